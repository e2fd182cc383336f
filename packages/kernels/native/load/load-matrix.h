#pragma once
#include "../backend/buffer.h"
#include "../core/thread-pool.h"

namespace trtllm {

// A matrix [rows, columns] in a buffer, in the device's matrix layout or row-major, of which some rows are written.
struct MatrixTarget {
  Buffer* buffer;
  int64_t offset;  // bytes
  DType dtype;
  int64_t rows, columns;
  int64_t first_row;
  bool device_layout;
};

// Host data, row-major where column_stride is 1; `data` is element (0, 0).
struct HostMatrix {
  const char* data;
  DType dtype;
  int64_t rows, columns;
  int64_t row_stride;  // elements
  int64_t column_stride = 1;
};

// Threads for conversion: the device's own, or some that the process keeps for devices without any.
ThreadPool& load_threads(const Device& device);

int64_t matrix_bytes(Layout layout, DType dtype, int64_t rows, int64_t columns);

// Writes source.rows rows from target.first_row on, converting the type and packing; returns when they are there.
// The call that writes the last row of a packed matrix writes its padding too.
Status load_matrix(const MatrixTarget& target, const HostMatrix& source);

}  // namespace trtllm

#include "load-matrix.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "../backend/cpu/panel.h"
#include "../backend/cpu/worker-pool.h"
#include "convert.h"
#include "turned.h"
#include "upload.h"

namespace trtllm {
namespace {

void convert_rows(ThreadPool& pool, char* to, DType dtype, const HostMatrix& source) {
  const int64_t to_row = source.columns * dtype_bytes(dtype), from_row = source.row_stride * dtype_bytes(source.dtype);
  // One long row is split too: vectors come as such.
  const int64_t part = 1 << 16;
  const int64_t parts = (source.columns + part - 1) / part;
  const int64_t grain = std::max<int64_t>(1, part / std::max<int64_t>(1, source.columns));
  pool.for_each(source.rows * parts, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i / parts, first = i % parts * part;
      const int64_t count = std::min(part, source.columns - first);
      convert(to + row * to_row + first * dtype_bytes(dtype), dtype,
              source.data + row * from_row + first * dtype_bytes(source.dtype), source.dtype, count);
    }
  });
}

void pack(ThreadPool& pool, const MatrixTarget& target, char* to, const HostMatrix& source) {
  const int64_t first_panel = target.first_row / kPanelRows;
  const int64_t end = target.first_row + source.rows;
  const int64_t panels = panel_count(end) - first_panel;
  const int64_t from_row = source.row_stride * dtype_bytes(source.dtype);
  const bool aligned = reinterpret_cast<uintptr_t>(source.data) % static_cast<uintptr_t>(dtype_bytes(source.dtype)) == 0;
  pool.for_each(panels, 1, [&](int64_t from, int64_t to_panel) {
    std::vector<char> copy;
    for (int64_t panel = from; panel < to_panel; panel++) {
      const int64_t row = std::max((first_panel + panel) * kPanelRows, target.first_row);
      const int64_t rows = std::min((first_panel + panel + 1) * kPanelRows, end) - row;
      const char* data = source.data + (row - target.first_row) * from_row;
      if (!aligned) {
        copy.assign(data, data + (rows - 1) * from_row + source.columns * dtype_bytes(source.dtype));
        data = copy.data();
      }
      pack_panels(to, target.dtype, target.rows, target.columns, row, data, source.dtype, rows, source.row_stride);
    }
  });
}

// Row-major data to device memory, a pinned block at a time.
Status upload_rows(const MatrixTarget& target, char* to, HostMatrix source) {
  std::unique_lock<std::mutex> lock;
  Upload* upload = nullptr;
  TRTLLM_TRY(target.buffer->device()->upload(&lock, &upload));
  ThreadPool& pool = load_threads(*target.buffer->device());
  const int64_t size = dtype_bytes(target.dtype), from_size = dtype_bytes(source.dtype);
  const int64_t columns = std::min(source.columns, Upload::kBlockBytes / size);
  const int64_t rows = columns < source.columns ? 1 : std::max<int64_t>(1, Upload::kBlockBytes / (columns * size));
  for (int64_t row = 0; row < source.rows; row += rows) {
    for (int64_t column = 0; column < source.columns; column += columns) {
      const HostMatrix part{source.data + (row * source.row_stride + column) * from_size, source.dtype,
                            std::min(rows, source.rows - row), std::min(columns, source.columns - column),
                            source.row_stride};
      char* block = nullptr;
      TRTLLM_TRY(upload->next_block(&block));
      convert_rows(pool, block, target.dtype, part);
      TRTLLM_TRY(upload->send(to + (row * source.columns + column) * size, part.rows * part.columns * size));
    }
  }
  return upload->finish();
}

}  // namespace

ThreadPool& load_threads(const Device& device) {
  if (device.backend().threads != nullptr) return *device.backend().threads(device.state());
  // Never destroyed: joining threads at exit would wait for a load that exit interrupts.
  static ThreadPool* pool = make_worker_pool(std::min(default_num_threads(), 8)).release();
  return *pool;
}

int64_t matrix_bytes(Layout layout, DType dtype, int64_t rows, int64_t columns) {
  return layout == Layout::panel ? panel_bytes(dtype, rows, columns) : rows * columns * dtype_bytes(dtype);
}

Status load_matrix(const MatrixTarget& target, const HostMatrix& given) {
  HostMatrix source = given;
  const Device& device = *target.buffer->device();
  const Layout layout = target.device_layout ? device.backend().matrix_layout : Layout::strided;
  const bool same = target.dtype == source.dtype && layout == Layout::strided;
  if (!same && (!is_convertible(target.dtype) || !is_convertible(source.dtype))) {
    return Status::error(Code::unsupported, "load %s as %s: expected two types of numbers", dtype_name(source.dtype),
                         dtype_name(target.dtype));
  }
  if (target.rows < 0 || target.columns < 0 || target.first_row < 0 || source.rows < 0 ||
      source.columns != target.columns || source.rows > target.rows - target.first_row ||
      target.rows > (int64_t{1} << 40) || target.columns > (int64_t{1} << 40) / (target.rows + 1)) {
    return Status::error(Code::invalid, "load of [%lld, %lld] at row %lld of a [%lld, %lld] matrix",
                         static_cast<long long>(source.rows), static_cast<long long>(source.columns),
                         static_cast<long long>(target.first_row), static_cast<long long>(target.rows),
                         static_cast<long long>(target.columns));
  }
  const int64_t bytes = matrix_bytes(layout, target.dtype, target.rows, target.columns);
  if (target.offset < 0 || target.offset % dtype_bytes(target.dtype) != 0) {
    return Status::error(Code::invalid, "load to offset %lld: expected a multiple of the element size",
                         static_cast<long long>(target.offset));
  }
  TRTLLM_TRY(target.buffer->check_range("load", static_cast<uint64_t>(target.offset), static_cast<uint64_t>(bytes)));
  if (source.rows == 0 || source.columns == 0 || device.memory() == MemoryKind::none) return Status();
  if (source.column_stride != 1) {
    return each_turned_block(load_threads(device), source, [&](const HostMatrix& block, int64_t first) {
      MatrixTarget part = target;
      part.first_row += first;
      return load_matrix(part, block);
    });
  }

  char* to = target.buffer->data() + target.offset;
  if (layout == Layout::panel) {
    pack(load_threads(device), target, to, source);
    return Status();
  }
  to += target.first_row * target.columns * dtype_bytes(target.dtype);
  if (source.row_stride == source.columns) {
    source = {source.data, source.dtype, 1, source.rows * source.columns, source.rows * source.columns};
  }
  if (device.memory() == MemoryKind::device) return upload_rows(target, to, source);
  convert_rows(load_threads(device), to, target.dtype, source);
  return Status();
}

}  // namespace trtllm

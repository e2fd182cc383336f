#include "load-quantized.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "../backend/cpu/float8.h"
#include "convert.h"
#include "turned.h"

namespace trtllm {
namespace {

constexpr int64_t kBlockBytes = 8 << 20;

template <class Q>
void quantize_row(const float* row, int64_t columns, float largest_value, Q* to, float* scale) {
  float largest = 0;
  for (int64_t k = 0; k < columns; k++) largest = std::max(largest, std::fabs(row[k]));
  *scale = largest > 0 ? largest / largest_value : 1.0f;
  const float inverse = largest > 0 ? largest_value / largest : 1.0f;
  for (int64_t k = 0; k < columns; k++) put_f32(to + k, row[k] * inverse);
}

// Rows [0, part.rows) of `part`, contiguous in `to`.
void quantize_rows(ThreadPool& pool, const HostMatrix& part, DType dtype, char* to, float* scales) {
  pool.for_each(part.rows, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> row(static_cast<size_t>(part.columns));
    for (int64_t i = begin; i < end; i++) {
      convert(row.data(), DType::f32, part.data + i * part.row_stride * dtype_bytes(part.dtype), part.dtype, part.columns);
      char* out = to + i * part.columns;
      if (dtype == DType::f8) {
        quantize_row(row.data(), part.columns, kF8Largest, reinterpret_cast<F8*>(out), scales + i);
      } else {
        quantize_row(row.data(), part.columns, kI8Largest, reinterpret_cast<I8*>(out), scales + i);
      }
    }
  });
}

// Rows [0, part.rows) of `part`, `row` rows below the first one read, contiguous in `to`.
void scale_rows(ThreadPool& pool, const HostMatrix& part, const BlockScales& scales, int64_t row, float* to) {
  pool.for_each(part.rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      float* out = to + i * part.columns;
      convert(out, DType::f32, part.data + i * part.row_stride * dtype_bytes(part.dtype), part.dtype, part.columns);
      const float* scale = scales.values + (scales.first_row + row + i) / scales.block_rows * scales.columns;
      for (int64_t k = 0; k < part.columns; k++) out[k] *= scale[(scales.first_column + k) / scales.block_columns];
    }
  });
}

}  // namespace

Status load_quantized(const MatrixTarget& target, int64_t scale_offset, const HostMatrix& source) {
  if ((target.dtype != DType::f8 && target.dtype != DType::i8) || !is_convertible(source.dtype)) {
    return Status::error(Code::unsupported, "quantize %s as %s: expected numbers as f8 or i8", dtype_name(source.dtype),
                         dtype_name(target.dtype));
  }
  const Device& device = *target.buffer->device();
  if (source.column_stride != 1 && device.memory() != MemoryKind::none) {
    return each_turned_block(load_threads(device), source, [&](const HostMatrix& block, int64_t first) {
      MatrixTarget part = target;
      part.first_row += first;
      return load_quantized(part, scale_offset, block);
    });
  }
  const int64_t block_rows = std::max<int64_t>(1, kBlockBytes / std::max<int64_t>(1, source.columns) / 16 * 16);
  // Without memory there is nothing to compute, but the places are checked.
  const bool counts_only = device.memory() == MemoryKind::none;
  std::vector<char> block(counts_only ? 0 : static_cast<size_t>(std::min(block_rows, source.rows) * source.columns));
  std::vector<float> scales(counts_only ? 0 : static_cast<size_t>(std::min(block_rows, source.rows)));
  for (int64_t row = 0; row < source.rows; row += block_rows) {
    HostMatrix part = source;
    part.rows = std::min(block_rows, source.rows - row);
    part.data += row * source.row_stride * dtype_bytes(source.dtype);
    if (!counts_only) quantize_rows(load_threads(device), part, target.dtype, block.data(), scales.data());
    MatrixTarget to = target;
    to.first_row += row;
    TRTLLM_TRY(load_matrix(to, {block.data(), target.dtype, part.rows, part.columns, part.columns}));
    const MatrixTarget scale{target.buffer, scale_offset, DType::f32, target.rows, 1, to.first_row, false};
    TRTLLM_TRY(load_matrix(scale, {reinterpret_cast<const char*>(scales.data()), DType::f32, part.rows, 1, 1}));
  }
  return Status();
}

Status load_scaled(const MatrixTarget& target, const HostMatrix& source, const BlockScales& scales) {
  if (!is_convertible(target.dtype) || !is_convertible(source.dtype)) {
    return Status::error(Code::unsupported, "load %s times scales as %s: expected two types of numbers", dtype_name(source.dtype),
                         dtype_name(target.dtype));
  }
  const bool covered = scales.block_rows > 0 && scales.block_columns > 0 && scales.first_row >= 0 && scales.first_column >= 0 &&
                       (scales.first_row + source.rows + scales.block_rows - 1) / scales.block_rows <= scales.rows &&
                       (scales.first_column + source.columns + scales.block_columns - 1) / scales.block_columns <= scales.columns;
  if (!covered) {
    return Status::error(Code::invalid, "load of [%lld, %lld] from (%lld, %lld): %lld x %lld scales of %lld x %lld blocks do not cover it",
                         static_cast<long long>(source.rows), static_cast<long long>(source.columns),
                         static_cast<long long>(scales.first_row), static_cast<long long>(scales.first_column),
                         static_cast<long long>(scales.rows), static_cast<long long>(scales.columns),
                         static_cast<long long>(scales.block_rows), static_cast<long long>(scales.block_columns));
  }
  const Device& device = *target.buffer->device();
  const int64_t block_rows = std::max<int64_t>(1, kBlockBytes / 4 / std::max<int64_t>(1, source.columns) / 16 * 16);
  const bool counts_only = device.memory() == MemoryKind::none;
  std::vector<float> block(counts_only ? 0 : static_cast<size_t>(std::min(block_rows, source.rows) * source.columns));
  for (int64_t row = 0; row < source.rows; row += block_rows) {
    HostMatrix part = source;
    part.rows = std::min(block_rows, source.rows - row);
    part.data += row * source.row_stride * dtype_bytes(source.dtype);
    if (!counts_only) scale_rows(load_threads(device), part, scales, row, block.data());
    MatrixTarget to = target;
    to.first_row += row;
    TRTLLM_TRY(load_matrix(to, {reinterpret_cast<const char*>(block.data()), DType::f32, part.rows, part.columns, part.columns}));
  }
  return Status();
}

}  // namespace trtllm

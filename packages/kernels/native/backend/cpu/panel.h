#pragma once
#include <cstdint>
#include <cstring>

#include "../../core/dtype.h"
#include "float8.h"

// Panel layout of a weight matrix [rows, columns]: sixteen rows a panel, so that one vector holds the same column (or
// group of columns) of sixteen output features.
//   f32:       [ceil(rows / 16)][columns][16]
//   f16, bf16: [ceil(rows / 16)][ceil(columns / 2)][16][2], pairs of columns
//   f8, i8:    [ceil(rows / 16)][ceil(columns / 4)][16][4], fours of columns
// Padding is zero. Functions are `static`: see float16.h.
namespace trtllm {

constexpr int64_t kPanelRows = 16;

static inline int64_t panel_count(int64_t rows) { return (rows + kPanelRows - 1) / kPanelRows; }

// Columns that lie side by side: four bytes.
static inline int64_t panel_group(DType dtype) { return 4 / dtype_bytes(dtype); }

// Elements from one panel to the next.
static inline int64_t panel_stride(DType dtype, int64_t columns) {
  const int64_t group = panel_group(dtype);
  return (columns + group - 1) / group * group * kPanelRows;
}

static inline int64_t panel_bytes(DType dtype, int64_t rows, int64_t columns) {
  return panel_count(rows) * panel_stride(dtype, columns) * dtype_bytes(dtype);
}

// Where element (row, column) lies, in elements.
static inline int64_t panel_index(DType dtype, int64_t columns, int64_t row, int64_t column) {
  const int64_t panel = row / kPanelRows * panel_stride(dtype, columns);
  const int64_t lane = row % kPanelRows;
  const int64_t group = panel_group(dtype);
  return panel + (column / group * kPanelRows + lane) * group + column % group;
}

static inline void panel_convert(float source, float* target) { *target = source; }
template <class T>
static inline void panel_convert(T source, T* target) {
  *target = source;
}
template <class S, class T>
static inline void panel_convert(S source, T* target) {
  put_f32(target, to_f32(source));
}

// kGroup columns of `lanes` rows, all of them inside the matrix.
template <int kGroup, class S, class T>
static inline void pack_columns(const S* source, int64_t row_stride, int64_t lanes, T* slot) {
  for (int64_t i = 0; i < lanes; i++) {
    for (int j = 0; j < kGroup; j++) panel_convert(source[i * row_stride + j], slot + i * kGroup + j);
  }
}

template <int kGroup, class S, class T>
static inline void pack_panels_as(T* target, DType dtype, int64_t rows, int64_t columns, int64_t first_row,
                                  const S* source, int64_t source_rows, int64_t row_stride) {
  const int64_t end = first_row + source_rows;
  const int64_t padded_end = end == rows ? panel_count(rows) * kPanelRows : end;
  for (int64_t row = first_row; row < padded_end;) {
    const int64_t lane = row % kPanelRows;
    const int64_t lanes = padded_end - row < kPanelRows - lane ? padded_end - row : kPanelRows - lane;
    T* slot = target + row / kPanelRows * panel_stride(dtype, columns) + lane * kGroup;
    const S* from = source + (row - first_row) * row_stride;
    const bool inside = row + lanes <= end;
    for (int64_t column = 0; column < columns; column += kGroup, slot += kPanelRows * kGroup) {
      if (inside && column + kGroup <= columns) {
        // PERF: the constant trip count of a whole panel is twice as fast.
        if (lanes == kPanelRows) {
          pack_columns<kGroup>(from + column, row_stride, kPanelRows, slot);
        } else {
          pack_columns<kGroup>(from + column, row_stride, lanes, slot);
        }
        continue;
      }
      for (int64_t i = 0; i < lanes; i++) {
        for (int64_t j = 0; j < kGroup; j++) {
          if (row + i < end && column + j < columns) {
            panel_convert(from[i * row_stride + column + j], slot + i * kGroup + j);
          } else {
            memset(slot + i * kGroup + j, 0, sizeof(T));
          }
        }
      }
    }
    row += lanes;
  }
}

template <class T>
static inline bool pack_panels_into(T* target, DType dtype, int64_t rows, int64_t columns, int64_t first_row,
                                    const void* source, DType source_dtype, int64_t source_rows, int64_t row_stride) {
  constexpr int kGroup = 4 / sizeof(T);
  switch (source_dtype) {
    case DType::f32:
      pack_panels_as<kGroup>(target, dtype, rows, columns, first_row, static_cast<const float*>(source),
                             source_rows, row_stride);
      return true;
    case DType::f16:
      pack_panels_as<kGroup>(target, dtype, rows, columns, first_row, static_cast<const F16*>(source),
                             source_rows, row_stride);
      return true;
    case DType::bf16:
      pack_panels_as<kGroup>(target, dtype, rows, columns, first_row, static_cast<const Bf16*>(source),
                             source_rows, row_stride);
      return true;
    case DType::f8:
      pack_panels_as<kGroup>(target, dtype, rows, columns, first_row, static_cast<const F8*>(source),
                             source_rows, row_stride);
      return true;
    case DType::i8:
      pack_panels_as<kGroup>(target, dtype, rows, columns, first_row, static_cast<const I8*>(source),
                             source_rows, row_stride);
      return true;
    default:
      return false;
  }
}

// Writes rows [first_row, first_row + source_rows) of a panel matrix [rows, columns] from row-major `source` (stride in
// elements), converting its type. The call that writes the last row also writes the padding rows. Calls for disjoint
// rows may run at the same time. False for types that are no numbers.
static inline bool pack_panels(void* target, DType dtype, int64_t rows, int64_t columns, int64_t first_row,
                               const void* source, DType source_dtype, int64_t source_rows, int64_t row_stride) {
  switch (dtype) {
    case DType::f32:
      return pack_panels_into(static_cast<float*>(target), dtype, rows, columns, first_row, source, source_dtype,
                              source_rows, row_stride);
    case DType::f16:
      return pack_panels_into(static_cast<F16*>(target), dtype, rows, columns, first_row, source, source_dtype,
                              source_rows, row_stride);
    case DType::bf16:
      return pack_panels_into(static_cast<Bf16*>(target), dtype, rows, columns, first_row, source, source_dtype,
                              source_rows, row_stride);
    case DType::f8:
      return pack_panels_into(static_cast<F8*>(target), dtype, rows, columns, first_row, source, source_dtype,
                              source_rows, row_stride);
    case DType::i8:
      return pack_panels_into(static_cast<I8*>(target), dtype, rows, columns, first_row, source, source_dtype,
                              source_rows, row_stride);
    default:
      return false;
  }
}

}  // namespace trtllm

#pragma once
#include "load-matrix.h"

namespace trtllm {

// Writes source.rows rows of an f8 or i8 matrix as `load_matrix` does, each divided by its scale, and those scales (f32,
// largest magnitude of the row / 448 or 127; 1 for a row of zeros) at scale_offset bytes, one for each row of the matrix.
Status load_quantized(const MatrixTarget& target, int64_t scale_offset, const HostMatrix& source);

// Scales of a stored matrix, row-major: one for each block of block_rows x block_columns elements. The part that is read begins at
// element (first_row, first_column) of the stored matrix.
struct BlockScales {
  const float* values;
  int64_t rows, columns;
  int64_t block_rows, block_columns;
  int64_t first_row, first_column;
};

// Writes source.rows rows as `load_matrix` does, each element times the scale of its block, rounded once.
Status load_scaled(const MatrixTarget& target, const HostMatrix& source, const BlockScales& scales);

}  // namespace trtllm

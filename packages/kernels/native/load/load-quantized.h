#pragma once
#include "load-matrix.h"

namespace trtllm {

// Writes source.rows rows of an f8 or i8 matrix as `load_matrix` does, each divided by its scale, and those scales (f32,
// largest magnitude of the row / 448 or 127; 1 for a row of zeros) at scale_offset bytes, one for each row of the matrix.
Status load_quantized(const MatrixTarget& target, int64_t scale_offset, const HostMatrix& source);

}  // namespace trtllm

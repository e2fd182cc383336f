#pragma once
#include "stream-parts.cuh"

// y = x * weight^T + bias in f32 FMAs, any sizes. A block of 256 threads owns 64 rows x 64 columns of y, a thread 4 x 4 of
// them at stride 16; k advances by 16. Shared memory: x[16][65] and weight[16][65] floats, k-major, 8 KB.
// Elements beyond the matrices read as zero. k is summed in order.
// Grid: x = column tiles * row tiles, rows fastest.
namespace trtllm::cuda {

__global__ void __launch_bounds__(256) linear_tile_plain_kernel(LinearOperands o, int64_t row_tiles) {
  __shared__ float x_tile[16][65], weight_tile[16][65];
  const int64_t first_row = blockIdx.x % row_tiles * 64, first_column = blockIdx.x / row_tiles * 64;
  const int row_lane = threadIdx.x / 16, column_lane = threadIdx.x % 16;
  const float* x = static_cast<const float*>(o.x);
  const float* weight = static_cast<const float*>(o.weight);
  float sums[4][4] = {};
  for (int64_t k = 0; k < o.in; k += 16) {
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int row = row_lane + 16 * i;  // column_lane is k: neighbours read neighbours
      const bool inside = k + column_lane < o.in;
      x_tile[column_lane][row] = inside && first_row + row < o.rows ? x[(first_row + row) * o.x_stride + k + column_lane] : 0.0f;
      weight_tile[column_lane][row] =
          inside && first_column + row < o.out ? weight[(first_column + row) * o.weight_stride + k + column_lane] : 0.0f;
    }
    __syncthreads();
#pragma unroll
    for (int depth = 0; depth < 16; depth++) {
      float a[4], b[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        a[i] = x_tile[depth][row_lane + 16 * i];
        b[i] = weight_tile[depth][column_lane + 16 * i];
      }
#pragma unroll
      for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) sums[i][j] = fmaf(a[i], b[j], sums[i][j]);
      }
    }
  }
  const float* bias = static_cast<const float*>(o.bias);
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      const int64_t row = first_row + row_lane + 16 * i, column = first_column + column_lane + 16 * j;
      if (row >= o.rows || column >= o.out) continue;
      static_cast<float*>(o.y)[row * o.y_stride + column] = sums[i][j] + (bias != nullptr ? bias[column] : 0.0f);
    }
  }
}

}  // namespace trtllm::cuda

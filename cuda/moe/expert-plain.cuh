#pragma once
#include "expert-operands.cuh"

// Rows through the weights of their experts in f32 FMAs, any sizes and types. A block of 256 threads owns up to 64 places of one
// expert x 64 outputs, a thread 4 x 4 of them at stride 16; gated, 32 results: their gates and what those are for. k advances
// by 16 and is summed in order. Shared memory: x[16][65] and weight[16][65] floats, k-major, 8 KB, and 64 rows of x.
// Grid: x = tiles of places (some may be empty), y = tiles of outputs.
namespace trtllm::cuda {

template <class T>
__global__ void __launch_bounds__(256) expert_plain_kernel(ExpertOperands o) {
  __shared__ float x_tile[16][65], weight_tile[16][65];
  __shared__ int64_t x_rows[64];
  const ExpertTile tile = find_expert_tile<64>(o.offsets, o.experts, blockIdx.x, threadIdx.x & 31);
  if (tile.rows == 0) return;
  const bool is_gated = o.gate != Gate::none;
  const int64_t first_result = static_cast<int64_t>(blockIdx.y) * (is_gated ? 32 : 64);
  const auto output_of = [&](int column) {  // -1: none
    const int64_t result = first_result + (is_gated ? column % 32 : column);
    return result >= o.width ? -1 : is_gated && column >= 32 ? o.width + result : result;
  };
  if (threadIdx.x < tile.rows) x_rows[threadIdx.x] = row_of_place(o, tile.first + threadIdx.x);
  const int row_lane = threadIdx.x / 16, column_lane = threadIdx.x % 16;
  const T* x = static_cast<const T*>(o.x);
  const T* weight = static_cast<const T*>(o.weight) + tile.expert * o.out * o.in;
  float sums[4][4] = {};
  for (int64_t k = 0; k < o.in; k += 16) {
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int row = row_lane + 16 * i;  // column_lane is k: neighbours read neighbours
      const int64_t output = output_of(row);
      const bool inside = k + column_lane < o.in;
      x_tile[column_lane][row] = inside && row < tile.rows ? to_f32(x[x_rows[row] * o.x_stride + k + column_lane]) : 0.0f;
      weight_tile[column_lane][row] = inside && output >= 0 ? to_f32(weight[output * o.in + k + column_lane]) : 0.0f;
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
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int place = tile.first + row_lane + 16 * i;
    if (row_lane + 16 * i >= tile.rows) continue;
    const float scale = scale_of_place(o, place);
    T* y = static_cast<T*>(o.y) + place * o.y_stride + first_result;
    const auto value = [&](int j) {
      const int64_t output = output_of(column_lane + 16 * j);
      return output < 0 ? 0.0f : fmaf(sums[i][j], scale, bias_of<T>(o, tile.expert, output));
    };
#pragma unroll
    for (int j = 0; j < 4; j++) {
      const int column = column_lane + 16 * j;
      if (first_result + column >= o.width || (is_gated && j >= 2)) continue;
      y[column] = from_f32<T>(is_gated ? gated(o.gate, value(j), value(j < 2 ? j + 2 : j), o.limit, o.alpha) : value(j));
    }
  }
}

}  // namespace trtllm::cuda

#pragma once
#include "stream-parts.cuh"

// y = x * weight^T + bias for few rows on tensor cores, the weight read once, straight into registers.
// A block owns 16 * kColumnTiles columns of y and 8 * kRowTiles rows. A stretch of k is 64 * kSteps bytes of the weight for each warp, warp w
// taking the w-th of them; the warps of a block thus read whole lines of 16 rows. A lane has the next stretch on its way
// while it multiplies this one (what a lane holds: stream-parts.cuh).
// Shared memory: the warps' sums of one row tile, kWarps * kColumnTiles * 512 bytes.
// Weights with block scales (BlockF8) have the sums of each stretch scaled before they join.
// Numerics: products are exact, as 8-bit weights are exact in f16 and bf16; f32 sums, by warp over stretches in order, then over
// warps in order. Whatever the number of rows, and whichever kRowTiles and kColumnTiles, a result is the same bits.
// Grid: x = columns / (16 * kColumnTiles), y = groups of 8 * kRowTiles rows.
namespace trtllm::cuda {

// M: type of the products; W, X: weight and x; T: bias.
template <class M, class W, class X, class T, class Y, int kRowTiles, int kColumnTiles, int kWarps, int kSteps>
__global__ void __launch_bounds__(kWarps * 32) linear_stream_kernel(LinearOperands o) {
  o.x = static_cast<const X*>(o.x) + blockIdx.y * (8 * kRowTiles) * o.x_stride;
  o.y = static_cast<Y*>(o.y) + blockIdx.y * (8 * kRowTiles) * o.y_stride;
  o.rows -= blockIdx.y * (8 * kRowTiles);
  constexpr int kTiles = kColumnTiles * kRowTiles, kEach = 16 / sizeof(W), kStretch = kWarps * kSteps * 64 / sizeof(W);
  __shared__ alignas(16) float parts[kWarps][kColumnTiles][32][4];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
  const int64_t first_column = static_cast<int64_t>(blockIdx.x) * (16 * kColumnTiles);
  const W* column[kColumnTiles][2];
#pragma unroll
  for (int c = 0; c < kColumnTiles; c++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {  // columns beyond the last repeat it; they are not stored
      const int64_t n = first_column + c * 16 + half * 8 + g;
      column[c][half] = static_cast<const W*>(o.weight) + (n < o.out ? n : o.out - 1) * o.weight_stride;
    }
  }
  uint4 next[kSteps][kColumnTiles][2];
  const auto load_weight = [&](int64_t k) {
#pragma unroll
    for (int step = 0; step < kSteps; step++) {
      const int64_t at = k + step * (4 * kEach);
#pragma unroll
      for (int c = 0; c < kColumnTiles; c++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
          next[step][c][half] = at < o.in ? load_once(column[c][half] + at) : uint4{0, 0, 0, 0};
        }
      }
    }
  };
  float sums[kTiles][4] = {};
  int64_t k = warp * (kStretch / kWarps) + t * kEach;
  load_weight(k);
  for (int64_t stretch = 0; stretch < o.in; stretch += kStretch, k += kStretch) {
    StreamRows<W, X, kRowTiles, kSteps> x;
    x.load(o, g, k);
    uint4 weight[kSteps][kColumnTiles][2];
#pragma unroll
    for (int step = 0; step < kSteps; step++) {
#pragma unroll
      for (int c = 0; c < kColumnTiles; c++) {
        weight[step][c][0] = next[step][c][0];
        weight[step][c][1] = next[step][c][1];
      }
    }
    load_weight(k + kStretch);
    if constexpr (std::is_same_v<W, BlockF8>) {
      static_assert(kSteps <= 2 && kColumnTiles == 1);  // one scale
      const int64_t at = stretch + warp * (kStretch / kWarps);
      if (at >= o.in) continue;  // whole warps
      const float scale = block_scale(o, first_column, at);
      float part[kTiles][4] = {};
#pragma unroll
      for (int step = 0; step < kSteps; step++) {
        stream_step<M, W, X, kRowTiles, kColumnTiles>(part, weight[step], x.pack[step]);
      }
#pragma unroll
      for (int i = 0; i < kTiles; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) sums[i][j] = fmaf(part[i][j], scale, sums[i][j]);
      }
    } else {
#pragma unroll
      for (int step = 0; step < kSteps; step++) {
        stream_step<M, W, X, kRowTiles, kColumnTiles>(sums, weight[step], x.pack[step]);
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kRowTiles; r++) {
    __syncthreads();  // the last tile's sums have been read
#pragma unroll
    for (int c = 0; c < kColumnTiles; c++) {
      *reinterpret_cast<float4*>(parts[warp][c][lane]) = *reinterpret_cast<const float4*>(sums[c * kRowTiles + r]);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < kColumnTiles * 128; i += kWarps * 32) {
      const int n = i % (16 * kColumnTiles), row = i / (16 * kColumnTiles);
      float sum = 0;
#pragma unroll
      for (int w = 0; w < kWarps; w++) sum += parts[w][n / 16][n % 8 * 4 + row / 2][n % 16 / 8 * 2 + row % 2];
      if (r * 8 + row < o.rows && first_column + n < o.out) {
        store_result<W, T, Y>(o, r * 8 + row, first_column + n, sum);
      }
    }
  }
}

}  // namespace trtllm::cuda

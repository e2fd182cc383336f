#pragma once
#include <trtllm/reduce.cuh>

#include "stream-parts.cuh"

// y = x * weight^T + bias for few rows (operands and 8-bit weights: stream-parts.cuh): the weight is read once, as a
// stream. A block owns one column of y for kRows rows; its threads stride k in 16-byte packs of the weight, a whole stretch of one
// weight row at a time: on an H200 a memory that sees few rows, each in long pieces, gives a tenth more than one that sees a row
// for every warp. x comes from L1. Shared memory: a sum for each warp and row. f32 sums: a thread's in order, across lanes, warps in
// order; one rounding. A result's bits depend on `in`, not on the number of rows.
// Grid: x = columns, y = groups of kRows rows.
namespace trtllm::cuda {

// Four elements of a pack as f32.
template <class E>
__device__ __forceinline__ void widen_to_f32(const uint4& pack, int four, float (&to)[4]) {
  const uint32_t* words = reinterpret_cast<const uint32_t*>(&pack);
  if constexpr (sizeof(E) == 4) {
    const float4 values = *reinterpret_cast<const float4*>(&pack);
    to[0] = values.x, to[1] = values.y, to[2] = values.z, to[3] = values.w;
  } else if constexpr (sizeof(E) == 2) {
#pragma unroll
    for (int i = 0; i < 4; i++) to[i] = to_f32(reinterpret_cast<const E*>(words + 2 * four)[i]);
  } else if constexpr (std::is_same_v<E, i8>) {
    split_bytes(words[four], to);
  } else {
    uint32_t pairs[2];
    widen<f16>(words[four], E(), pairs);
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const float2 two = __half22float2(*reinterpret_cast<const __half2*>(&pairs[i]));
      to[2 * i] = two.x, to[2 * i + 1] = two.y;
    }
  }
}

// HAZARD: rows of x and weight are 16-byte aligned and `in` is a multiple of a pack of the weight. blockDim.x == kThreads.
template <class W, class T, class Y, int kRows, int kThreads>
__global__ void __launch_bounds__(kThreads) linear_row_dots_kernel(LinearOperands o) {
  constexpr int kEach = 16 / sizeof(W), kXPacks = kEach * sizeof(T) / 16, kXEach = 16 / sizeof(T);
  __shared__ float parts[kRows][kThreads / 32];
  const int64_t n = blockIdx.x, first_row = static_cast<int64_t>(blockIdx.y) * kRows;
  const W* weight = static_cast<const W*>(o.weight) + n * o.weight_stride;
  const T* x[kRows];
#pragma unroll
  for (int r = 0; r < kRows; r++) {  // rows beyond the last repeat it; they are not stored
    const int64_t row = first_row + r < o.rows ? first_row + r : o.rows - 1;
    x[r] = static_cast<const T*>(o.x) + row * o.x_stride;
  }
  float sums[kRows] = {};
#pragma unroll 2
  for (int64_t k = static_cast<int64_t>(threadIdx.x) * kEach; k < o.in; k += kThreads * kEach) {
    const uint4 pack = load_once(weight + k);
    float w[kEach];
#pragma unroll
    for (int i = 0; i < kEach / 4; i++) widen_to_f32<W>(pack, i, *reinterpret_cast<float(*)[4]>(&w[4 * i]));
    if constexpr (std::is_same_v<W, BlockF8>) {
      const float scale = block_scale(o, n, k);
#pragma unroll
      for (int i = 0; i < kEach; i++) w[i] *= scale;
    }
#pragma unroll
    for (int r = 0; r < kRows; r++) {
#pragma unroll
      for (int p = 0; p < kXPacks; p++) {
        const uint4 values = *reinterpret_cast<const uint4*>(x[r] + k + p * kXEach);
#pragma unroll
        for (int i = 0; i < kXEach / 4; i++) {
          float four[4];
          widen_to_f32<T>(values, i, four);
#pragma unroll
          for (int j = 0; j < 4; j++) sums[r] = fmaf(four[j], w[p * kXEach + 4 * i + j], sums[r]);
        }
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kRows; r++) {
    const float sum = warp_reduce(sums[r], Sum());
    if ((threadIdx.x & 31) == 0) parts[r][threadIdx.x >> 5] = sum;
  }
  __syncthreads();
  if (threadIdx.x >= kRows || first_row + threadIdx.x >= o.rows) return;
  float sum = 0;
#pragma unroll
  for (int w = 0; w < kThreads / 32; w++) sum += parts[threadIdx.x][w];
  store_result<W, T, Y>(o, first_row + threadIdx.x, n, sum);
}

// The same for any alignment and size, an element at a time: one warp owns one column for kRows rows.
// Grid: x = columns / 4, y = groups of kRows rows.
template <class W, class T, class Y, int kRows>
__global__ void __launch_bounds__(128) linear_row_dots_plain_kernel(LinearOperands o) {
  const int lane = threadIdx.x & 31;
  const int64_t n = static_cast<int64_t>(blockIdx.x) * 4 + (threadIdx.x >> 5);
  if (n >= o.out) return;  // whole warps
  const int64_t first_row = static_cast<int64_t>(blockIdx.y) * kRows;
  const W* weight = static_cast<const W*>(o.weight) + n * o.weight_stride;
  const T* x[kRows];
#pragma unroll
  for (int r = 0; r < kRows; r++) {
    const int64_t row = first_row + r < o.rows ? first_row + r : o.rows - 1;
    x[r] = static_cast<const T*>(o.x) + row * o.x_stride;
  }
  float sums[kRows] = {};
#pragma unroll 2
  for (int64_t k = lane; k < o.in; k += 32) {
    float w = to_f32(weight[k]);
    if constexpr (std::is_same_v<W, BlockF8>) w *= block_scale(o, n, k);
#pragma unroll
    for (int r = 0; r < kRows; r++) sums[r] = fmaf(to_f32(x[r][k]), w, sums[r]);
  }
#pragma unroll
  for (int r = 0; r < kRows; r++) {
    const float sum = warp_reduce(sums[r], Sum());
    if (lane == 0 && first_row + r < o.rows) store_result<W, T, Y>(o, first_row + r, n, sum);
  }
}

}  // namespace trtllm::cuda

#pragma once
#include <cstdint>

// Reductions over a warp and over a block. Every thread gets the result.
namespace trtllm::cuda {

constexpr unsigned kFullWarp = 0xffffffffu;

struct Sum {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Max {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};
struct Min {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};

template <class T, class Join>
__device__ __forceinline__ T warp_reduce(T x, Join join) {
#pragma unroll
  for (int offset = 16; offset > 0; offset >>= 1) x = join(x, __shfl_xor_sync(kFullWarp, x, offset));
  return x;
}

// HAZARD: all threads of a block of whole warps must call it. It may be called again at once.
template <class T, class Join>
__device__ __forceinline__ T block_reduce(T x, Join join) {
  __shared__ T parts[32];
  x = warp_reduce(x, join);
  __syncthreads();  // an earlier call's readers are done with `parts`
  if ((threadIdx.x & 31u) == 0) parts[threadIdx.x >> 5] = x;
  __syncthreads();
  T total = parts[0];
  for (unsigned warp = 1; warp < blockDim.x >> 5; warp++) total = join(total, parts[warp]);
  return total;
}

}  // namespace trtllm::cuda

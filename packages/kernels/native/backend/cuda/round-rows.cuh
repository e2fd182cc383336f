#pragma once
#include <trtllm/reduce.cuh>
#include <trtllm/vector-io.cuh>

// scale[r] = max_k |x[r, k]| / 448, y[r, k] = f8(x[r, k] / scale[r]): rows of activations for f8 arithmetic. One block a
// row, which it reads twice (the second time from L2). A row of zeros keeps zeros with scale 1.
namespace trtllm::cuda {

template <class T>
__global__ void __launch_bounds__(256) round_rows_kernel(const T* x, int64_t x_stride, f8* y, float* scale, int64_t in) {
  const T* row = x + blockIdx.x * x_stride;
  f8* to = y + static_cast<int64_t>(blockIdx.x) * in;
  constexpr int kSize = Pack<T>::kSize;  // HAZARD: rows are packed and `in` is a multiple of 16
  float largest = 0;
  for (int64_t k = threadIdx.x * kSize; k < in; k += 256 * kSize) {
    const Pack<T> pack = load_pack(row + k);
#pragma unroll
    for (int j = 0; j < kSize; j++) largest = fmaxf(largest, fabsf(to_f32(pack.at[j])));
  }
  largest = block_reduce(largest, Max());
  const float inverse = largest > 0 ? 448.0f / largest : 1.0f;
  if (threadIdx.x == 0) scale[blockIdx.x] = largest > 0 ? largest / 448.0f : 1.0f;
  for (int64_t k = threadIdx.x * kSize; k < in; k += 256 * kSize) {
    const Pack<T> pack = load_pack(row + k);
    f8 rounded[kSize];
#pragma unroll
    for (int j = 0; j < kSize; j++) rounded[j] = from_f32<f8>(to_f32(pack.at[j]) * inverse);
    if constexpr (kSize == 8) {
      *reinterpret_cast<uint2*>(to + k) = *reinterpret_cast<const uint2*>(rounded);
    } else {
      *reinterpret_cast<uint32_t*>(to + k) = *reinterpret_cast<const uint32_t*>(rounded);
    }
  }
}

}  // namespace trtllm::cuda

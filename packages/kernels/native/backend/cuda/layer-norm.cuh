#pragma once
#include "rms.cuh"

// One block a row: y = (x - mean) / sqrt(variance + eps) * weight + bias. Three readings of the row, the later two from
// L1/L2; sums in f32, one rounding.
namespace trtllm::cuda {

template <class T, bool kPacked>
__device__ __forceinline__ void layer_norm_row(const T* x, const float* weight, const float* bias, T* y, int64_t dim, float eps) {
  constexpr int kWidth = kPacked ? Pack<T>::kSize : 1;
  float total = 0;
  for_row<T, kPacked>(dim, [&](int64_t i) {
    const Pack<T> a = load_unit<T, kPacked>(x + i);
#pragma unroll
    for (int j = 0; j < kWidth; j++) total += to_f32(a.at[j]);
  });
  const float mean = block_reduce(total, Sum()) / static_cast<float>(dim);
  float squares = 0;
  for_row<T, kPacked>(dim, [&](int64_t i) {
    const Pack<T> a = load_unit<T, kPacked>(x + i);
#pragma unroll
    for (int j = 0; j < kWidth; j++) {
      const float off = to_f32(a.at[j]) - mean;
      squares = fmaf(off, off, squares);
    }
  });
  const float scale = 1.0f / sqrtf(block_reduce(squares, Sum()) / static_cast<float>(dim) + eps);
  for_row<T, kPacked>(dim, [&](int64_t i) {
    const Pack<T> a = load_unit<T, kPacked>(x + i);
    float w[kWidth], b[kWidth] = {};
    load_weights<kWidth>(weight + i, w);
    if (bias != nullptr) load_weights<kWidth>(bias + i, b);
    Pack<T> result;
#pragma unroll
    for (int j = 0; j < kWidth; j++) result.at[j] = from_f32<T>((to_f32(a.at[j]) - mean) * scale * w[j] + b[j]);
    store_unit<T, kPacked>(y + i, result);
  });
}

}  // namespace trtllm::cuda

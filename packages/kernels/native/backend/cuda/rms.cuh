#pragma once
#include <trtllm/reduce.cuh>

#include "launch.cuh"

// One block a row (grid stride over rows): y = x / sqrt(mean(x^2) + eps) * weight. Threads stride the row in 16-byte packs
// (single elements where rows are not aligned); the second reading comes from L1/L2. Sums in f32, one rounding.
// HAZARD: `x` is not const __restrict__: add-rms-norm wrote it in the same block (each thread reads back its own elements).
namespace trtllm::cuda {

template <class T, bool kPacked, class F>
__device__ __forceinline__ void for_row(int64_t dim, F&& f) {
  constexpr int kWidth = kPacked ? Pack<T>::kSize : 1;
  for (int64_t i = static_cast<int64_t>(threadIdx.x) * kWidth; i < dim; i += static_cast<int64_t>(blockDim.x) * kWidth) f(i);
}

template <class T, bool kPacked>
__device__ __forceinline__ Pack<T> load_unit(const T* p) {
  if constexpr (kPacked) {
    return load_pack(p);
  } else {
    Pack<T> pack;
    pack.at[0] = *p;
    return pack;
  }
}

template <class T, bool kPacked>
__device__ __forceinline__ void store_unit(T* p, const Pack<T>& pack) {
  if constexpr (kPacked) {
    store_pack(p, pack);
  } else {
    *p = pack.at[0];
  }
}

template <class T, bool kPacked>
__device__ __forceinline__ void rms_scale_row(const T* x, const T* weight, T* y, int64_t dim, float eps, float squares) {
  constexpr int kWidth = kPacked ? Pack<T>::kSize : 1;
  const float total = block_reduce(squares, Sum());
  const float scale = 1.0f / sqrtf(total / static_cast<float>(dim) + eps);
  for_row<T, kPacked>(dim, [&](int64_t i) {
    const Pack<T> a = load_unit<T, kPacked>(x + i), w = load_unit<T, kPacked>(weight + i);
    Pack<T> result;
#pragma unroll
    for (int j = 0; j < kWidth; j++) result.at[j] = from_f32<T>(to_f32(a.at[j]) * scale * to_f32(w.at[j]));
    store_unit<T, kPacked>(y + i, result);
  });
}

inline int row_threads(int64_t dim, int width) {
  const int64_t units = (dim + width - 1) / width;
  return units <= 64 ? 64 : units <= 128 ? 128 : units <= 256 ? 256 : 512;
}

}  // namespace trtllm::cuda

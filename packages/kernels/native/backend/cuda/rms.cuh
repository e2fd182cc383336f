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

// Weights of a norm are f32 whatever the rows are. Four or more of them are read 16 bytes at a time.
template <int kWidth>
__device__ __forceinline__ void load_weights(const float* from, float (&w)[kWidth]) {
  if constexpr (kWidth % 4 == 0) {
#pragma unroll
    for (int j = 0; j < kWidth; j += 4) {
      const Pack<float> four = load_pack(from + j);
#pragma unroll
      for (int k = 0; k < 4; k++) w[j + k] = four.at[k];
    }
  } else {
#pragma unroll
    for (int j = 0; j < kWidth; j++) w[j] = from[j];
  }
}

template <class T, bool kPacked>
__device__ __forceinline__ void rms_scale_row(const T* x, const float* weight, T* y, int64_t dim, float eps, float squares) {
  constexpr int kWidth = kPacked ? Pack<T>::kSize : 1;
  const float total = block_reduce(squares, Sum());
  const float scale = 1.0f / sqrtf(total / static_cast<float>(dim) + eps);
  for_row<T, kPacked>(dim, [&](int64_t i) {
    const Pack<T> a = load_unit<T, kPacked>(x + i);
    float w[kWidth];
    load_weights<kWidth>(weight + i, w);
    Pack<T> result;
#pragma unroll
    for (int j = 0; j < kWidth; j++) result.at[j] = from_f32<T>(to_f32(a.at[j]) * scale * w[j]);
    store_unit<T, kPacked>(y + i, result);
  });
}

// total = x + y / sqrt(mean(y^2) + eps) * weight, the norm rounded to T before it is added. Returns this thread's share of
// the sum of total^2. HAZARD: total may be x or y; a thread reads back only what it wrote.
template <class T, bool kPacked>
__device__ __forceinline__ float rms_add_row(const T* x, const T* y, const float* weight, T* total, int64_t dim, float eps) {
  constexpr int kWidth = kPacked ? Pack<T>::kSize : 1;
  float squares = 0;
  for_row<T, kPacked>(dim, [&](int64_t i) {
    const Pack<T> a = load_unit<T, kPacked>(y + i);
#pragma unroll
    for (int j = 0; j < kWidth; j++) squares = fmaf(to_f32(a.at[j]), to_f32(a.at[j]), squares);
  });
  const float scale = 1.0f / sqrtf(block_reduce(squares, Sum()) / static_cast<float>(dim) + eps);
  squares = 0;
  for_row<T, kPacked>(dim, [&](int64_t i) {
    const Pack<T> a = load_unit<T, kPacked>(y + i), b = load_unit<T, kPacked>(x + i);
    float w[kWidth];
    load_weights<kWidth>(weight + i, w);
    Pack<T> result;
#pragma unroll
    for (int j = 0; j < kWidth; j++) {
      const float normed = to_f32(from_f32<T>(to_f32(a.at[j]) * scale * w[j]));
      result.at[j] = from_f32<T>(to_f32(b.at[j]) + normed);
      squares = fmaf(to_f32(result.at[j]), to_f32(result.at[j]), squares);
    }
    store_unit<T, kPacked>(total + i, result);
  });
  return squares;
}

inline int row_threads(int64_t dim, int width) {
  const int64_t units = (dim + width - 1) / width;
  return units <= 64 ? 64 : units <= 128 ? 128 : units <= 256 ? 256 : 512;
}

}  // namespace trtllm::cuda

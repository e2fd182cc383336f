#pragma once
#include "vec.h"

// y = x / sqrt(mean(x^2) + eps) * weight for one row. The sum of squares has four chains of sixteen lanes, stretch i in
// chain i % 4: its order depends on dim alone.
namespace trtllm {
namespace ISA_NS {

TRTLLM_INLINE float inverse_root(float x) {
  // sqrtss and divss are exact to the last bit on every ISA.
  return 1.0f / __builtin_sqrtf(x);
}

template <class T>
static inline float mean_square(const T* x, int64_t dim) {
#if TRTLLM_SCALAR
  double total = 0;
  for (int64_t i = 0; i < dim; i++) total += static_cast<double>(to_f32(x[i])) * to_f32(x[i]);
  return static_cast<float>(total / static_cast<double>(dim));
#else
  Vec chains[4] = {zero(), zero(), zero(), zero()};
  int64_t i = 0;
  for (; i + 4 * kLanes <= dim; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++) {
      const Vec v = load(x + i + c * kLanes);
      chains[c] = fma(v, v, chains[c]);
    }
  }
  for (int c = 0; i < dim; i += kLanes, c++) {
    const Vec v = load_n(x + i, dim - i < kLanes ? static_cast<int>(dim - i) : kLanes);
    chains[c] = fma(v, v, chains[c]);
  }
  return sum(add(add(chains[0], chains[1]), add(chains[2], chains[3]))) / static_cast<float>(dim);
#endif
}

template <class T>
static inline void rms_norm_row(const T* x, const float* weight, T* y, int64_t dim, float eps) {
  const Vec scale = set(inverse_root(mean_square(x, dim) + eps));
  for_stretches(dim, [&](int64_t i, int n) {
    store_stretch(y + i, mul(mul(load_stretch(x + i, n), scale), load_stretch(weight + i, n)), n);
  });
}

// total = x + y / sqrt(mean(y^2) + eps) * weight; the norm is rounded to T before it is added. total may be x or y.
template <class T>
static inline void rms_norm_add_row(const T* x, const T* y, const float* weight, T* total, int64_t dim, float eps) {
  const Vec scale = set(inverse_root(mean_square(y, dim) + eps));
  for_stretches(dim, [&](int64_t i, int n) {
    T normed[kLanes];
    store_stretch(normed, mul(mul(load_stretch(y + i, n), scale), load_stretch(weight + i, n)), n);
    store_stretch(total + i, add(load_stretch(x + i, n), load_stretch(static_cast<const T*>(normed), n)), n);
  });
}

// Without weights.
template <class T>
static inline void rms_norm_row(const T* x, T* y, int64_t dim, float eps) {
  const Vec scale = set(inverse_root(mean_square(x, dim) + eps));
  for_stretches(dim, [&](int64_t i, int n) { store_stretch(y + i, mul(load_stretch(x + i, n), scale), n); });
}

}  // namespace ISA_NS
}  // namespace trtllm

#pragma once
#include "rms.h"

// y = (x - mean) / sqrt(variance + eps) * weight + bias for one row, in three passes. Sums have four chains of sixteen
// lanes, stretch i in chain i % 4, as the mean square of rms.h: their order depends on dim alone.
namespace trtllm {
namespace ISA_NS {

// Sum of f(x) over a row; f must give 0 for lanes beyond the row, which `n` tells it.
template <class T, class F>
static inline float sum_row(const T* x, int64_t dim, F&& f) {
#if TRTLLM_SCALAR
  double total = 0;
  for_stretches(dim, [&](int64_t i, int n) {
    float lanes[kLanes];
    store(lanes, f(load_stretch(x + i, n), n));
    for (int lane = 0; lane < n; lane++) total += lanes[lane];
  });
  return static_cast<float>(total);
#else
  Vec chains[4] = {zero(), zero(), zero(), zero()};
  int64_t stretch = 0;
  for_stretches(dim, [&](int64_t i, int n) {
    const int c = static_cast<int>(stretch++ % 4);
    chains[c] = add(chains[c], f(load_stretch(x + i, n), n));
  });
  return sum(add(add(chains[0], chains[1]), add(chains[2], chains[3])));
#endif
}

// No bias: null.
template <class T>
static inline void layer_norm_row(const T* x, const float* weight, const float* bias, T* y, int64_t dim, float eps) {
  const float count = static_cast<float>(dim);
  const Vec mean = set(sum_row(x, dim, [](Vec a, int) { return a; }) / count);
  const float squares = sum_row(x, dim, [&](Vec a, int n) {
    const Vec off = keep_range(sub(a, mean), 0, n, 0.0f);
    return mul(off, off);
  });
  const Vec scale = set(inverse_root(squares / count + eps));
  for_stretches(dim, [&](int64_t i, int n) {
    Vec result = mul(mul(sub(load_stretch(x + i, n), mean), scale), load_stretch(weight + i, n));
    if (bias != nullptr) result = add(result, load_stretch(bias + i, n));
    store_stretch(y + i, result, n);
  });
}

}  // namespace ISA_NS
}  // namespace trtllm

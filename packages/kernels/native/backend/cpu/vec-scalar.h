#pragma once

namespace trtllm {
namespace ISA_NS {

struct Vec {
  float v[kLanes];
};

template <class F>
TRTLLM_INLINE Vec each_lane(F&& f) {
  Vec r;
  for (int i = 0; i < kLanes; i++) r.v[i] = f(i);
  return r;
}

TRTLLM_INLINE Vec set(float x) {
  return each_lane([&](int) { return x; });
}
TRTLLM_INLINE Vec zero() { return set(0.0f); }
TRTLLM_INLINE Vec load(const float* p) {
  return each_lane([&](int i) { return p[i]; });
}
TRTLLM_INLINE Vec from_bf16(const Bf16* p) {
  return each_lane([&](int i) { return to_f32(p[i]); });
}
TRTLLM_INLINE Vec from_f16(const F16* p) {
  return each_lane([&](int i) { return to_f32(p[i]); });
}
TRTLLM_INLINE Vec from_f8(const F8* p) {
  return each_lane([&](int i) { return to_f32(p[i]); });
}
template <class T>
TRTLLM_INLINE void store(T* p, const Vec& a) {
  for (int i = 0; i < kLanes; i++) put_f32(p + i, a.v[i]);
}
TRTLLM_INLINE Vec add(const Vec& a, const Vec& b) {
  return each_lane([&](int i) { return a.v[i] + b.v[i]; });
}
TRTLLM_INLINE Vec sub(const Vec& a, const Vec& b) {
  return each_lane([&](int i) { return a.v[i] - b.v[i]; });
}
TRTLLM_INLINE Vec mul(const Vec& a, const Vec& b) {
  return each_lane([&](int i) { return a.v[i] * b.v[i]; });
}
TRTLLM_INLINE Vec div(const Vec& a, const Vec& b) {
  return each_lane([&](int i) { return a.v[i] / b.v[i]; });
}
TRTLLM_INLINE Vec max(const Vec& a, const Vec& b) {
  return each_lane([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
// a * b + c, and c - a * b; two roundings: this ISA has no fused form.
TRTLLM_INLINE Vec fma(const Vec& a, const Vec& b, const Vec& c) {
  return each_lane([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
}
TRTLLM_INLINE Vec negative_fma(const Vec& a, const Vec& b, const Vec& c) {
  return each_lane([&](int i) { return c.v[i] - a.v[i] * b.v[i]; });
}
// NaN passes through.
TRTLLM_INLINE Vec clamp(const Vec& x, float low, float high) {
  return each_lane([&](int i) { return x.v[i] < low ? low : x.v[i] > high ? high : x.v[i]; });
}
// x * 2^n for an integral n in [-252, 254]: two exact factors, one rounding.
TRTLLM_INLINE Vec scale_by_power(const Vec& x, const Vec& n) {
  return each_lane([&](int i) {
    const int k = n.v[i] == n.v[i] ? static_cast<int>(n.v[i]) : 0;
    const int first = k >> 1;
    const float scaled = x.v[i] * float_of(static_cast<uint32_t>(first + 127) << 23);
    return scaled * float_of(static_cast<uint32_t>(k - first + 127) << 23);
  });
}
// Lane i where i is in [low, high), else `other`.
TRTLLM_INLINE Vec keep_range(const Vec& x, int low, int high, float other) {
  return each_lane([&](int i) { return i < low || i >= high ? other : x.v[i]; });
}

// Lane i joins lane i + 8, then i + 4, i + 2, i + 1: the order of every ISA.
TRTLLM_INLINE float sum(const Vec& a) {
  float lanes[kLanes];
  store(lanes, a);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}
TRTLLM_INLINE float max_lane(const Vec& a) {
  float best = a.v[0];
  for (int i = 1; i < kLanes; i++) best = a.v[i] > best ? a.v[i] : best;
  return best;
}

// Lane j of the result is sum(rows[j]).
TRTLLM_INLINE Vec sum_each(const Vec rows[16]) {
  return each_lane([&](int j) { return sum(rows[j]); });
}

}  // namespace ISA_NS
}  // namespace trtllm

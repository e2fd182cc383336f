#pragma once
// The SIMD vocabulary of the CPU kernels: Vec is sixteen f32 lanes on every ISA. Each function is one IEEE operation
// per lane (plus conversions), so an element's result never depends on its lane or on being in a tail, and the two
// reductions have one fixed order. Compile with -ffp-contract=off: fused multiply-adds are only where `fma` says so.
//
// Everything lives in namespace trtllm::ISA_NS: a function shared between objects of two ISAs would carry the
// instructions of whichever the linker kept.

#include <cstdint>
#include <cstring>

#include "float8.h"

#ifndef ISA_NS
#error "define ISA_NS: this header is compiled once per ISA"
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define TRTLLM_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define TRTLLM_AVX2 1
#else
#define TRTLLM_SCALAR 1
#endif
#if TRTLLM_AVX512 && defined(__AVX512BF16__)
#define TRTLLM_AVX512_BF16 1
#endif

#define TRTLLM_INLINE static inline __attribute__((always_inline))

namespace trtllm {
namespace ISA_NS {
constexpr int kLanes = 16;
}  // namespace ISA_NS
}  // namespace trtllm

#if TRTLLM_AVX512
#include "vec-avx512.h"
#elif TRTLLM_AVX2
#include "vec-avx2.h"
#else
#include "vec-scalar.h"
#endif

namespace trtllm {
namespace ISA_NS {

TRTLLM_INLINE Vec load(const F16* p) { return from_f16(p); }
TRTLLM_INLINE Vec load(const Bf16* p) { return from_bf16(p); }
TRTLLM_INLINE Vec load(const F8* p) { return from_f8(p); }
#if !TRTLLM_SCALAR
TRTLLM_INLINE void store(F8* p, Vec v) {
  float lanes[kLanes];
  store(lanes, v);
  for (int i = 0; i < kLanes; i++) put_f32(p + i, lanes[i]);
}
#endif

#if TRTLLM_AVX512
TRTLLM_INLINE void store_n(F8* p, Vec v, int n) {
  F8 lanes[kLanes];
  store(lanes, v);
  memcpy(p, lanes, static_cast<size_t>(n));
}
#else
// The first n elements (n in 0..16), zero beyond; reads nothing beyond.
template <class T>
TRTLLM_INLINE Vec load_n(const T* p, int n) {
  T lanes[kLanes] = {};
  memcpy(lanes, p, sizeof(T) * static_cast<size_t>(n));
  return load(lanes);
}

template <class T>
TRTLLM_INLINE void store_n(T* p, Vec v, int n) {
  T lanes[kLanes];
  store(lanes, v);
  memcpy(p, lanes, sizeof(T) * static_cast<size_t>(n));
}
#endif

// e^x within 1.5 ulp; 0 below -104, infinity above 88.73, NaN for NaN.
// x = n ln 2 + r with |r| <= ln 2 / 2, then the Taylor series of e^r to r^7 and a scaling by 2^n in two steps, so that
// results below the normal range are rounded once.
TRTLLM_INLINE Vec exp(Vec x) {
  x = clamp(x, -104.0f, 89.0f);
  const Vec magic = set(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Vec n = sub(add(mul(x, set(1.44269504f)), magic), magic);
  Vec r = negative_fma(n, set(0.693359375f), x);
  r = negative_fma(n, set(-2.12194440e-4f), r);
  Vec p = set(1.0f / 5040);
  p = fma(p, r, set(1.0f / 720));
  p = fma(p, r, set(1.0f / 120));
  p = fma(p, r, set(1.0f / 24));
  p = fma(p, r, set(1.0f / 6));
  p = fma(p, r, set(0.5f));
  p = fma(p, r, set(1.0f));
  p = fma(p, r, set(1.0f));
  return scale_by_power(p, n);
}

TRTLLM_INLINE Vec silu(Vec x) { return div(x, add(set(1.0f), exp(sub(zero(), x)))); }
TRTLLM_INLINE Vec sigmoid(Vec x) { return div(set(1.0f), add(set(1.0f), exp(sub(zero(), x)))); }

// g / (1 + e^(-alpha g)) * (u + 1), g at most `limit`, u within -limit..limit.
TRTLLM_INLINE Vec clamped_silu_mul(Vec g, Vec u, float limit, float alpha) {
  const Vec low = clamp(g, -__builtin_inff(), limit);
  const Vec gate = div(low, add(set(1.0f), exp(mul(low, set(-alpha)))));
  return mul(gate, add(clamp(u, -limit, limit), set(1.0f)));
}

// x / 2 * (1 + tanh(u)) = x / (1 + e^(-2u)), u = sqrt(2 / pi) * (x + 0.044715 x^3).
TRTLLM_INLINE Vec gelu_tanh(Vec x) {
  const Vec u = mul(set(0.797884561f), fma(mul(mul(x, x), x), set(0.044715f), x));
  return div(x, add(set(1.0f), exp(mul(u, set(-2.0f)))));
}

// cap * tanh(x / cap), within 1.2e-7 * cap.
TRTLLM_INLINE Vec softcap(Vec x, float cap) {
  const Vec growth = exp(div(add(x, x), set(cap)));
  return mul(set(cap), sub(set(1.0f), div(set(2.0f), add(set(1.0f), growth))));
}

// f(i, n) for the stretches [i, i + n) of [0, count): n is 16 but for the last.
template <class F>
TRTLLM_INLINE void for_stretches(int64_t count, F&& f) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) f(i, kLanes);
  if (i < count) f(i, static_cast<int>(count - i));
}

// load_n and store_n with the full stretch as the fast path.
template <class T>
TRTLLM_INLINE Vec load_stretch(const T* p, int n) {
  return n == kLanes ? load(p) : load_n(p, n);
}
template <class T>
TRTLLM_INLINE void store_stretch(T* p, Vec v, int n) {
  if (n == kLanes) {
    store(p, v);
  } else {
    store_n(p, v, n);
  }
}

}  // namespace ISA_NS
}  // namespace trtllm

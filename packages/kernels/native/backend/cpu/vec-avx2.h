#pragma once
// GCC 12 warns about its own undefined-register idiom in these headers.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

namespace trtllm {
namespace ISA_NS {

struct Vec {
  __m256 low, high;
};

TRTLLM_INLINE Vec zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
TRTLLM_INLINE Vec set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
TRTLLM_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
TRTLLM_INLINE void store(float* p, Vec a) {
  _mm256_storeu_ps(p, a.low);
  _mm256_storeu_ps(p + 8, a.high);
}
TRTLLM_INLINE Vec add(Vec a, Vec b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
TRTLLM_INLINE Vec sub(Vec a, Vec b) { return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
TRTLLM_INLINE Vec mul(Vec a, Vec b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
TRTLLM_INLINE Vec div(Vec a, Vec b) { return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
TRTLLM_INLINE Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
// a * b + c, and c - a * b; one rounding.
TRTLLM_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
TRTLLM_INLINE Vec negative_fma(Vec a, Vec b, Vec c) {
  return {_mm256_fnmadd_ps(a.low, b.low, c.low), _mm256_fnmadd_ps(a.high, b.high, c.high)};
}
// NaN passes through.
TRTLLM_INLINE Vec clamp(Vec x, float low, float high) {
  const __m256 l = _mm256_set1_ps(low), h = _mm256_set1_ps(high);
  return {_mm256_min_ps(h, _mm256_max_ps(l, x.low)), _mm256_min_ps(h, _mm256_max_ps(l, x.high))};
}
// x * 2^n for an integral n in [-252, 254]: two exact factors, one rounding.
TRTLLM_INLINE __m256 scale_half(__m256 x, __m256 n) {
  const __m256i k = _mm256_cvtps_epi32(n);
  const __m256i first = _mm256_srai_epi32(k, 1);
  const __m256i second = _mm256_sub_epi32(k, first);
  const __m256i bias = _mm256_set1_epi32(127);
  x = _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(first, bias), 23)));
  return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(second, bias), 23)));
}
TRTLLM_INLINE Vec scale_by_power(Vec x, Vec n) { return {scale_half(x.low, n.low), scale_half(x.high, n.high)}; }
// Lane i where i is in [low, high), else `other`.
TRTLLM_INLINE Vec keep_range(Vec x, int low, int high, float other) {
  float lanes[kLanes];
  store(lanes, x);
  for (int i = 0; i < kLanes; i++) {
    if (i < low || i >= high) lanes[i] = other;
  }
  return load(lanes);
}

TRTLLM_INLINE __m256 widen_bf16(__m128i h) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}
TRTLLM_INLINE __m128i narrow_bf16(__m256 a) {
  const __m256i u = _mm256_castps_si256(a);
  const __m256i high = _mm256_srli_epi32(u, 16);
  const __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
  const __m256i quiet = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
  const __m256i chosen = _mm256_blendv_epi8(rounded, quiet, nan);
  return _mm_packus_epi32(_mm256_castsi256_si128(chosen), _mm256_extracti128_si256(chosen, 1));
}

TRTLLM_INLINE __m128i load_eight(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
TRTLLM_INLINE void store_eight(void* p, __m128i a) { _mm_storeu_si128(static_cast<__m128i*>(p), a); }
TRTLLM_INLINE Vec from_bf16(const Bf16* p) { return {widen_bf16(load_eight(p)), widen_bf16(load_eight(p + 8))}; }
TRTLLM_INLINE Vec from_f16(const F16* p) {
  return {_mm256_cvtph_ps(load_eight(p)), _mm256_cvtph_ps(load_eight(p + 8))};
}
// An e4m3 is an f16 times 2^8 once its fields are moved. PERF: not by way of f32, whose subnormals are slow to multiply.
TRTLLM_INLINE __m256i f16_of_f8(__m128i bytes) {
  const __m256i bits = _mm256_cvtepu8_epi16(bytes);
  const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi16(0x7f));
  const __m256i sign = _mm256_slli_epi16(_mm256_andnot_si256(_mm256_set1_epi16(0x7f), bits), 8);
  const __m256i nan = _mm256_and_si256(_mm256_cmpeq_epi16(magnitude, _mm256_set1_epi16(0x7f)), _mm256_set1_epi16(0x7e00));
  return _mm256_or_si256(_mm256_or_si256(sign, nan), _mm256_slli_epi16(magnitude, 7));
}
TRTLLM_INLINE Vec from_f8(const F8* p) {
  const __m256i halves = f16_of_f8(load_eight(p));
  const Vec small = {_mm256_cvtph_ps(_mm256_castsi256_si128(halves)), _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1))};
  return mul(small, set(256.0f));
}
TRTLLM_INLINE void store(Bf16* p, Vec a) {
  store_eight(p, narrow_bf16(a.low));
  store_eight(p + 8, narrow_bf16(a.high));
}
TRTLLM_INLINE void store(F16* p, Vec a) {
  store_eight(p, _mm256_cvtps_ph(a.low, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  store_eight(p + 8, _mm256_cvtps_ph(a.high, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

// Lane i joins lane i + 8, then i + 4, i + 2, i + 1: the order of every ISA.
TRTLLM_INLINE float sum(Vec a) {
  const __m256 eight = _mm256_add_ps(a.low, a.high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
TRTLLM_INLINE float max_lane(Vec a) {
  const __m256 eight = _mm256_max_ps(a.low, a.high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

// Lane j of the result is sum(rows[j]).
TRTLLM_INLINE Vec sum_each(const Vec rows[16]) {
  float lanes[kLanes];
  for (int j = 0; j < 16; j++) lanes[j] = sum(rows[j]);
  return load(lanes);
}

}  // namespace ISA_NS
}  // namespace trtllm

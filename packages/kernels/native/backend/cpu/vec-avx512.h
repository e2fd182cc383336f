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
  __m512 v;
};

TRTLLM_INLINE Vec zero() { return {_mm512_setzero_ps()}; }
TRTLLM_INLINE Vec set(float x) { return {_mm512_set1_ps(x)}; }
TRTLLM_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
TRTLLM_INLINE void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
TRTLLM_INLINE Vec add(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
TRTLLM_INLINE Vec sub(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
TRTLLM_INLINE Vec mul(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
TRTLLM_INLINE Vec div(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
TRTLLM_INLINE Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
// a * b + c, and c - a * b; one rounding.
TRTLLM_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
TRTLLM_INLINE Vec negative_fma(Vec a, Vec b, Vec c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
// NaN passes through.
TRTLLM_INLINE Vec clamp(Vec x, float low, float high) {
  return {_mm512_min_ps(_mm512_set1_ps(high), _mm512_max_ps(_mm512_set1_ps(low), x.v))};
}
// x * 2^n for an integral n.
TRTLLM_INLINE Vec scale_by_power(Vec x, Vec n) { return {_mm512_scalef_ps(x.v, n.v)}; }
// Lane i where i is in [low, high), else `other`.
TRTLLM_INLINE Vec keep_range(Vec x, int low, int high, float other) {
  const uint32_t mask = ((1u << high) - 1u) & ~((1u << low) - 1u);
  return {_mm512_mask_mov_ps(_mm512_set1_ps(other), static_cast<__mmask16>(mask), x.v)};
}

TRTLLM_INLINE __m256i load_halves(const void* p, int n) {
  return _mm256_maskz_loadu_epi16(static_cast<__mmask16>((1u << n) - 1u), p);
}
TRTLLM_INLINE Vec widen_bf16(__m256i h) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16))};
}
TRTLLM_INLINE __m256i narrow_bf16(Vec a) {
  const __m512i u = _mm512_castps_si512(a.v);
  const __m512i high = _mm512_srli_epi32(u, 16);
  const __m512i odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
  const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
  return _mm512_cvtepi32_epi16(_mm512_mask_or_epi32(rounded, nan, high, _mm512_set1_epi32(0x40)));
}
TRTLLM_INLINE __m256i narrow_f16(Vec a) {
  return _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

TRTLLM_INLINE Vec from_bf16(const Bf16* p) {
  return widen_bf16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
TRTLLM_INLINE Vec from_f16(const F16* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
// An e4m3 is an f16 times 2^8 once its fields are moved. PERF: not by way of f32, whose subnormals are slow to multiply.
TRTLLM_INLINE Vec widen_f8(__m128i bytes) {
  const __m256i bits = _mm256_cvtepu8_epi16(bytes);
  const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi16(0x7f));
  const __m256i sign = _mm256_slli_epi16(_mm256_andnot_si256(_mm256_set1_epi16(0x7f), bits), 8);
  const __m256i nan = _mm256_and_si256(_mm256_cmpeq_epi16(magnitude, _mm256_set1_epi16(0x7f)), _mm256_set1_epi16(0x7e00));
  const __m256i halves = _mm256_or_si256(_mm256_or_si256(sign, nan), _mm256_slli_epi16(magnitude, 7));
  return {_mm512_mul_ps(_mm512_cvtph_ps(halves), _mm512_set1_ps(256.0f))};
}
TRTLLM_INLINE Vec from_f8(const F8* p) { return widen_f8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
TRTLLM_INLINE void store(Bf16* p, Vec a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow_bf16(a)); }
TRTLLM_INLINE void store(F16* p, Vec a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow_f16(a)); }

TRTLLM_INLINE Vec load_n(const float* p, int n) {
  return {_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p)};
}
TRTLLM_INLINE Vec load_n(const Bf16* p, int n) { return widen_bf16(load_halves(p, n)); }
TRTLLM_INLINE Vec load_n(const F16* p, int n) { return {_mm512_cvtph_ps(load_halves(p, n))}; }
TRTLLM_INLINE Vec load_n(const F8* p, int n) { return widen_f8(_mm_maskz_loadu_epi8(static_cast<__mmask16>((1u << n) - 1u), p)); }
TRTLLM_INLINE void store_n(float* p, Vec a, int n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), a.v);
}
TRTLLM_INLINE void store_n(Bf16* p, Vec a, int n) {
  _mm256_mask_storeu_epi16(p, static_cast<__mmask16>((1u << n) - 1u), narrow_bf16(a));
}
TRTLLM_INLINE void store_n(F16* p, Vec a, int n) {
  _mm256_mask_storeu_epi16(p, static_cast<__mmask16>((1u << n) - 1u), narrow_f16(a));
}

// Lane i joins lane i + 8, then i + 4, i + 2, i + 1: the order of every ISA.
TRTLLM_INLINE float sum(Vec a) {
  const __m256 high = _mm512_extractf32x8_ps(a.v, 1);
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
TRTLLM_INLINE float max_lane(Vec a) { return _mm512_reduce_max_ps(a.v); }

// Lane j of the result is sum(rows[j]), in the same order as `sum`.
TRTLLM_INLINE Vec sum_each(const Vec rows[16]) {
  __m256 eight[16];
#pragma GCC unroll 16
  for (int j = 0; j < 16; j++) {
    eight[j] = _mm256_add_ps(_mm512_castps512_ps256(rows[j].v), _mm512_extractf32x8_ps(rows[j].v, 1));
  }
  // A pair register holds the four partial sums of row j low and of row j + 8 high.
  __m256 four[8];
#pragma GCC unroll 8
  for (int j = 0; j < 8; j++) {
    four[j] = _mm256_add_ps(_mm256_permute2f128_ps(eight[j], eight[j + 8], 0x20),
                            _mm256_permute2f128_ps(eight[j], eight[j + 8], 0x31));
  }
  __m256 two[4];  // per half: (row j 0, row j + 4 0, row j 1, row j + 4 1)
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
    two[j] = _mm256_add_ps(_mm256_unpacklo_ps(four[j], four[j + 4]), _mm256_unpackhi_ps(four[j], four[j + 4]));
  }
  __m256 one[2];  // per half: (row j, row j + 2, row j + 4, row j + 6)
#pragma GCC unroll 2
  for (int j = 0; j < 2; j++) {
    const __m256 low = _mm256_unpacklo_ps(two[j], two[j + 2]);   // (j 0, j+2 0, j+4 0, j+6 0)
    const __m256 high = _mm256_unpackhi_ps(two[j], two[j + 2]);  // the same rows, second partial sum
    one[j] = _mm256_add_ps(low, high);
  }
  const __m256 low = _mm256_unpacklo_ps(one[0], one[1]);   // rows 0 1 2 3 | 8 9 10 11
  const __m256 high = _mm256_unpackhi_ps(one[0], one[1]);  // rows 4 5 6 7 | 12 13 14 15
  const __m256 first = _mm256_permute2f128_ps(low, high, 0x20);
  const __m256 second = _mm256_permute2f128_ps(low, high, 0x31);
  return {_mm512_insertf32x8(_mm512_castps256_ps512(first), second, 1)};
}

}  // namespace ISA_NS
}  // namespace trtllm

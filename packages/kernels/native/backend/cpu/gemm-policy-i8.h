#pragma once
#include "float8.h"
#include "gemm-policy.h"

// Tiles over i8 panels, [columns / 4][16][4]: a word holds four columns of one output. See gemm-policy.h for what a policy
// says; the scale of an output multiplies its finished sum.
namespace trtllm {
namespace ISA_NS {

#if TRTLLM_AVX512
// Column `j` of a group of four, sixteen outputs, as f32.
template <int j>
TRTLLM_INLINE __m512 signed_byte(__m512i words) {
  const __m512i top = j == 3 ? words : _mm512_slli_epi32(words, 24 - 8 * j);
  return _mm512_cvtepi32_ps(_mm512_srai_epi32(top, 24));
}
template <int j>
TRTLLM_INLINE Vec i8_column(const I8* p) {
  return {signed_byte<j>(_mm512_loadu_si512(p))};
}
#elif TRTLLM_AVX2
template <int j>
TRTLLM_INLINE __m256 signed_byte(__m256i words) {
  const __m256i top = j == 3 ? words : _mm256_slli_epi32(words, 24 - 8 * j);
  return _mm256_cvtepi32_ps(_mm256_srai_epi32(top, 24));
}
template <int j>
TRTLLM_INLINE Vec i8_column(const I8* p) {
  const __m256i* words = reinterpret_cast<const __m256i*>(p);
  return {signed_byte<j>(_mm256_loadu_si256(words)), signed_byte<j>(_mm256_loadu_si256(words + 1))};
}
#endif

#if !TRTLLM_SCALAR
struct I8Policy {
  using Weight = I8;
  using Packed = float;  // [step][4][row]
  static constexpr int kGroup = 4, kStrip = 16, kPackedPerRow = 4;
  TRTLLM_INLINE int place(int row, int j, int rows) { return j * rows + row; }

  template <int j, int R, int S>
  TRTLLM_INLINE void column(Vec (&acc)[R][S], const Weight* const (&w)[S], int64_t at, const Packed* a) {
    Vec weights[S];
#pragma GCC unroll 8
    for (int s = 0; s < S; s++) weights[s] = i8_column<j>(w[s] + at);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const Vec x = set(a[j * R + r]);
#pragma GCC unroll 8
      for (int s = 0; s < S; s++) acc[r][s] = fma(x, weights[s], acc[r][s]);
    }
  }

  template <int R, int S>
  TRTLLM_INLINE void step(Vec (&acc)[R][S], const Weight* const (&w)[S], int64_t at, const Packed* a) {
    column<0>(acc, w, at, a);
    column<1>(acc, w, at, a);
    column<2>(acc, w, at, a);
    column<3>(acc, w, at, a);
  }
  TRTLLM_INLINE void finish(float* out, Vec acc) { store(out, acc); }
};
#endif

#if TRTLLM_AVX512_BF16
// An i8 is a bf16 too, exactly: pairs of columns go into vdpbf16ps beside pairs of bf16 activations.
struct I8PairPolicy {
  using Weight = I8;
  using Packed = uint32_t;  // [step][2][row], a pair of bf16
  static constexpr int kGroup = 4, kStrip = 16, kPackedPerRow = 2;

  // Columns j and j + 1: the f32 of a small integer ends in sixteen zeros.
  template <int j>
  TRTLLM_INLINE __m512bh pair(__m512i words) {
    const __m512i even = _mm512_srli_epi32(_mm512_castps_si512(signed_byte<j>(words)), 16);
    return (__m512bh)_mm512_or_si512(even, _mm512_castps_si512(signed_byte<j + 1>(words)));
  }

  template <int R, int S>
  TRTLLM_INLINE void step(Vec (&acc)[R][S], const Weight* const (&w)[S], int64_t at, const Packed* a) {
    __m512bh first[S], second[S];
#pragma GCC unroll 8
    for (int s = 0; s < S; s++) {
      const __m512i words = _mm512_loadu_si512(w[s] + at);
      first[s] = pair<0>(words);
      second[s] = pair<2>(words);
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const __m512bh x = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[r]));
      const __m512bh next = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[R + r]));
#pragma GCC unroll 8
      for (int s = 0; s < S; s++) {
        acc[r][s].v = _mm512_dpbf16_ps(acc[r][s].v, first[s], x);
        acc[r][s].v = _mm512_dpbf16_ps(acc[r][s].v, second[s], next);
      }
    }
  }
  TRTLLM_INLINE void finish(float* out, Vec acc) { store(out, acc); }
};
#endif

}  // namespace ISA_NS
}  // namespace trtllm

#pragma once
#include "vec.h"

// How a GEMM tile multiplies one step of k, per weight type. A policy says:
//   Weight   element of the panel; Packed: element of the packed activations
//   kGroup   columns (k) a step takes; kStrip: output features in one accumulator
//   kPackedPerRow  packed elements a row needs per step
//   place(row, j, rows)  where column j of a step's group lies in its packed rows
//   step(accumulators of a strip, weights of the strip, packed activations)
// One accumulator belongs to one (row, feature) or, for f16, to one (row, feature, parity of k): its order of additions
// is k = 0, 1, 2, ... whatever the tile, so a result's bits depend on K alone.
namespace trtllm {
namespace ISA_NS {

struct F32Policy {
  using Weight = float;
  using Packed = float;
  static constexpr int kGroup = 1, kStrip = 16, kPackedPerRow = 1;
  TRTLLM_INLINE int place(int row, int, int) { return row; }

  template <int R, int S>
  TRTLLM_INLINE void step(Vec (&acc)[R][S], const Weight* const (&w)[S], int64_t at, const Packed* a) {
    Vec weights[S];
#pragma GCC unroll 8
    for (int s = 0; s < S; s++) weights[s] = load(w[s] + at);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const Vec x = set(a[r]);
#pragma GCC unroll 8
      for (int s = 0; s < S; s++) acc[r][s] = fma(x, weights[s], acc[r][s]);
    }
  }
  TRTLLM_INLINE void finish(float* out, Vec acc) { store(out, acc); }
};

#if TRTLLM_AVX512
TRTLLM_INLINE Vec set_pair(const float* pair) {
  double both;
  memcpy(&both, pair, 8);
  return {_mm512_castpd_ps(_mm512_set1_pd(both))};
}
TRTLLM_INLINE void split_pairs(const Bf16* p, Vec& even, Vec& odd) {
  const __m512i both = _mm512_loadu_si512(p);
  even.v = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
  odd.v = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
}
#elif TRTLLM_AVX2
TRTLLM_INLINE Vec set_pair(const float* pair) {
  const __m256 both = _mm256_castpd_ps(_mm256_broadcast_sd(reinterpret_cast<const double*>(pair)));
  return {both, both};
}
TRTLLM_INLINE void split_pairs(const Bf16* p, Vec& even, Vec& odd) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p) + 1);
  const __m256i mask = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
  even = {_mm256_castsi256_ps(_mm256_slli_epi32(low, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(high, 16))};
  odd = {_mm256_castsi256_ps(_mm256_and_si256(low, mask)), _mm256_castsi256_ps(_mm256_and_si256(high, mask))};
}
#endif

#if !TRTLLM_SCALAR
// bf16 widens to f32 by a shift: even and odd columns come out of one load.
struct Bf16Policy {
  using Weight = Bf16;
  using Packed = float;  // [step][2][row]
  static constexpr int kGroup = 2, kStrip = 16, kPackedPerRow = 2;
  TRTLLM_INLINE int place(int row, int j, int rows) { return j * rows + row; }

  template <int R, int S>
  TRTLLM_INLINE void step(Vec (&acc)[R][S], const Weight* const (&w)[S], int64_t at, const Packed* a) {
    Vec even[S], odd[S];
#pragma GCC unroll 8
    for (int s = 0; s < S; s++) split_pairs(w[s] + at, even[s], odd[s]);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const Vec x = set(a[r]);
#pragma GCC unroll 8
      for (int s = 0; s < S; s++) acc[r][s] = fma(x, even[s], acc[r][s]);
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const Vec x = set(a[R + r]);
#pragma GCC unroll 8
      for (int s = 0; s < S; s++) acc[r][s] = fma(x, odd[s], acc[r][s]);
    }
  }
  TRTLLM_INLINE void finish(float* out, Vec acc) { store(out, acc); }
};

// A vector of sixteen f16 holds (feature, parity) pairs of eight features: accumulators keep even and odd columns
// apart and `finish` joins them.
struct F16Policy {
  using Weight = F16;
  using Packed = float;  // [step][row][2]
  static constexpr int kGroup = 2, kStrip = 8, kPackedPerRow = 2;
  TRTLLM_INLINE int place(int row, int j, int) { return 2 * row + j; }

  template <int R, int S>
  TRTLLM_INLINE void step(Vec (&acc)[R][S], const Weight* const (&w)[S], int64_t at, const Packed* a) {
    Vec weights[S];
#pragma GCC unroll 8
    for (int s = 0; s < S; s++) weights[s] = load(w[s] + at);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const Vec x = set_pair(a + 2 * r);
#pragma GCC unroll 8
      for (int s = 0; s < S; s++) acc[r][s] = fma(x, weights[s], acc[r][s]);
    }
  }
  TRTLLM_INLINE void finish(float* out, Vec acc) {
    float lanes[kLanes];
    store(lanes, acc);
    for (int i = 0; i < 8; i++) out[i] = lanes[2 * i] + lanes[2 * i + 1];
  }
};
#endif

#if TRTLLM_AVX512_BF16
// bf16 pairs straight into vdpbf16ps.
struct Bf16PairPolicy {
  using Weight = Bf16;
  using Packed = uint32_t;  // [step][row], a pair of bf16
  static constexpr int kGroup = 2, kStrip = 16, kPackedPerRow = 1;

  template <int R, int S>
  TRTLLM_INLINE void step(Vec (&acc)[R][S], const Weight* const (&w)[S], int64_t at, const Packed* a) {
    __m512bh weights[S];
#pragma GCC unroll 8
    for (int s = 0; s < S; s++) weights[s] = (__m512bh)_mm512_loadu_si512(w[s] + at);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const __m512bh x = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[r]));
#pragma GCC unroll 8
      for (int s = 0; s < S; s++) acc[r][s].v = _mm512_dpbf16_ps(acc[r][s].v, weights[s], x);
    }
  }
  TRTLLM_INLINE void finish(float* out, Vec acc) { store(out, acc); }
};
#endif

}  // namespace ISA_NS
}  // namespace trtllm

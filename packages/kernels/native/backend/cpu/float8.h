#pragma once
#include "float16.h"

// 8-bit storage of quantized weights and caches, and its conversions one element at a time.
//   F8: OCP e4m3: sign, 4 bits of exponent (bias 7), 3 of mantissa; no infinities, NaN is 0x7f. Largest 448, smallest 2^-9.
//   I8: two's complement; -128 is not used, so that a matrix and its negative round alike.
namespace trtllm {

struct F8 {
  uint8_t bits;
};
struct I8 {
  int8_t value;
};

constexpr float kF8Largest = 448.0f;
constexpr float kI8Largest = 127.0f;

static inline float to_f32(F8 x) {
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x80u) << 24;
  const uint32_t magnitude = x.bits & 0x7fu;
  if (magnitude == 0x7fu) return float_of(sign | 0x7fc00000u);
  if (magnitude >= 0x08u) return float_of(sign | ((magnitude << 20) + 0x3c000000u));
  return float_of(sign | bits_of(static_cast<float>(magnitude) * 0x1p-9f));
}

// Rounds to nearest, ties to even; what is beyond 448, infinity too, becomes 448; NaN stays NaN. PERF: without branches,
// so that a loop over it is made of vectors.
static inline void put_f32(F8* p, float x) {
  const uint32_t u = bits_of(x);
  const uint32_t magnitude = u & 0x7fffffffu;
  const uint32_t bounded = magnitude < 0x43e00000u ? magnitude : 0x43e00000u;
  const uint32_t normal = (bounded - 0x3c000000u + 0x7ffffu + (bounded >> 20 & 1u)) >> 20;
  // 2^14 has a unit in the last place of 2^-9.
  const uint32_t subnormal = bits_of(float_of(bounded) + 16384.0f) - bits_of(16384.0f);
  const uint32_t rounded = bounded >= 0x3c800000u ? normal : subnormal;
  const uint32_t eighth = magnitude > 0x7f800000u ? 0x7fu : rounded;
  p->bits = static_cast<uint8_t>((u >> 24 & 0x80u) | eighth);
}

static inline float to_f32(I8 x) { return static_cast<float>(x.value); }

// Rounds to nearest, ties to even, within -127..127; NaN becomes 0.
static inline void put_f32(I8* p, float x) {
  const float bounded = x > kI8Largest ? kI8Largest : x < -kI8Largest ? -kI8Largest : x == x ? x : 0.0f;
  p->value = static_cast<int8_t>(__builtin_rintf(bounded));
}

}  // namespace trtllm

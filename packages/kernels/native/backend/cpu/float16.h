#pragma once
#include <cstdint>
#include <cstring>

#include "../../core/dtype.h"

// 16-bit float types as storage, and their conversions one element at a time. Functions are `static`: this header is
// compiled once per ISA, and a shared copy would carry the instructions of whichever ISA the linker kept.
namespace trtllm {

struct Bf16 {
  uint16_t bits;
};
struct F16 {
  uint16_t bits;
};

static inline uint32_t bits_of(float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  return u;
}

static inline float float_of(uint32_t u) {
  float x;
  memcpy(&x, &u, 4);
  return x;
}

static inline float to_f32(float x) { return x; }

static inline float to_f32(Bf16 x) { return float_of(static_cast<uint32_t>(x.bits) << 16); }

static inline float to_f32(F16 x) {
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x8000u) << 16;
  const uint32_t magnitude = x.bits & 0x7fffu;
  if (magnitude >= 0x7c00u) return float_of(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  if (magnitude >= 0x0400u) return float_of(sign | ((magnitude << 13) + 0x38000000u));
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  return float_of(sign | bits_of(subnormal));
}

static inline void put_f32(float* p, float x) { *p = x; }

// Rounds to nearest, ties to even; NaN stays NaN.
static inline void put_f32(Bf16* p, float x) {
  const uint32_t u = bits_of(x);
  const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
  p->bits = static_cast<uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

// Rounds to nearest, ties to even; beyond 65504 (rounded) becomes infinity; NaN stays NaN.
static inline void put_f32(F16* p, float x) {
  const uint32_t u = bits_of(x);
  const uint32_t sign = u >> 16 & 0x8000u;
  const uint32_t magnitude = u & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u;
  } else if (magnitude >= 0x477ff000u) {
    half = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {
    half = (magnitude - 0x38000000u + 0x0fffu + (magnitude >> 13 & 1u)) >> 13;
  } else {
    // Subnormal: adding 0.5 leaves the value in units of 2^-24 in the low mantissa bits, rounded by the addition.
    half = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000u;
  }
  p->bits = static_cast<uint16_t>(sign | half);
}

}  // namespace trtllm

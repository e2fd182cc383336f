#pragma once
#include <cstdint>

// Two e4m3 elements, the low 16 bits of a word, and wider floats (sm_89 and later).
namespace trtllm::cuda {

// As f16, exactly.
__device__ __forceinline__ uint32_t f16_pair(uint32_t two) {
  uint32_t pair;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;\n" : "=r"(pair) : "h"(static_cast<uint16_t>(two)));
  return pair;
}

// Four f32 as e4m3, the first in the lowest byte: to nearest, ties to even, what is too large to 448.
__device__ __forceinline__ uint32_t f8_word(float a, float b, float c, float d) {
  uint16_t low, high;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;\n" : "=h"(low) : "f"(b), "f"(a));
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;\n" : "=h"(high) : "f"(d), "f"(c));
  return static_cast<uint32_t>(low) | static_cast<uint32_t>(high) << 16;
}

}  // namespace trtllm::cuda

#pragma once
#include <cstdint>

// Two e4m3 elements, the low 16 bits of a word, as f16, exactly (sm_89 and later).
namespace trtllm::cuda {

__device__ __forceinline__ uint32_t f16_pair(uint32_t two) {
  uint32_t pair;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;\n" : "=r"(pair) : "h"(static_cast<uint16_t>(two)));
  return pair;
}

}  // namespace trtllm::cuda

#pragma once
#include <cstdint>

// An 8x8 matrix of 16-bit elements held by a warp, lane (g, t) having row g, columns 2t and 2t + 1, transposed (sm_75).
namespace trtllm::cuda {

__device__ __forceinline__ uint32_t transposed(uint32_t pair) {
  uint32_t v;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;\n" : "=r"(v) : "r"(pair));
  return v;
}

}  // namespace trtllm::cuda

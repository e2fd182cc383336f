#pragma once
#include <cstdint>

// Stores four 8x8 matrices of 16-bit elements in shared memory, transposed (sm_90): lane l with g = l / 4 and t = l % 4 holds
// columns 2t, 2t + 1 of row g of each, and they become rows of shared memory. Lanes 0-7 give the 16-byte rows of the first
// matrix, lanes 8-15 those of the second, and so on.
namespace trtllm::cuda {

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

__device__ __forceinline__ void store_matrices_transposed(uint32_t row, const uint32_t (&words)[4]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1,%2,%3,%4};\n" ::"r"(row), "r"(words[0]), "r"(words[1]),
               "r"(words[2]), "r"(words[3])
               : "memory");
}

#endif

}  // namespace trtllm::cuda

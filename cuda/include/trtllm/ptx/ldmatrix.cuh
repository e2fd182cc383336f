#pragma once
#include <cstdint>

// Loads two 8x8 matrices of 16-bit elements from shared memory, transposed (sm_75 and later). Lanes 0-7 give the 16-byte
// rows of the first matrix, lanes 8-15 those of the second; other lanes' addresses are not used. Lane l with g = l / 4 and
// t = l % 4 gets rows 2t, 2t + 1 of column g: a column-major operand from row-major memory.
// HAZARD: rows must be 16-byte aligned.
namespace trtllm::cuda {

__device__ __forceinline__ void load_matrices_transposed(uint32_t (&to)[2], const void* row) {
  const uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];\n" : "=r"(to[0]), "=r"(to[1]) : "r"(address) : "memory");
}

// Four matrices, by the addresses of lanes 0-7, 8-15, 16-23 and 24-31 in shared memory.
__device__ __forceinline__ void load_matrices(uint32_t (&to)[4], uint32_t row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(row)
               : "memory");
}

__device__ __forceinline__ void load_matrices_transposed(uint32_t (&to)[4], uint32_t row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(row)
               : "memory");
}

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
// The other way round: stores four matrices to the rows that lanes 0-7, 8-15, 16-23 and 24-31 name.
__device__ __forceinline__ void store_matrices(uint32_t row, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1,%2,%3,%4};\n" ::"r"(row), "r"(a), "r"(b), "r"(c), "r"(d) : "memory");
}
#endif

}  // namespace trtllm::cuda

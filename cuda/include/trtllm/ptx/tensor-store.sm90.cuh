#pragma once
#include <cuda.h>

#include <cstdint>

// Boxes of a tensor written from shared memory by the copy engine, and 8 x 8 matrices of 16-bit elements written to shared memory
// from the registers that hold them as sums of an mma (sm_90).
namespace trtllm::cuda {

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

// Shared memory must have been published (publish_shared_writes) by its writers. What lies outside the tensor is not written.
__device__ __forceinline__ void store_box(const CUtensorMap* map, const void* from, int32_t x, int32_t y) {
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2, %3}], [%1];\n" ::"l"(map),
               "r"(static_cast<uint32_t>(__cvta_generic_to_shared(from))), "r"(x), "r"(y)
               : "memory");
}
__device__ __forceinline__ void close_stores() { asm volatile("cp.async.bulk.commit_group;\n" ::: "memory"); }

// Until all but kLeft of this thread's groups of stores have read their shared memory.
template <int kLeft>
__device__ __forceinline__ void wait_stores_read() {
  asm volatile("cp.async.bulk.wait_group.read %0;\n" ::"n"(kLeft) : "memory");
}

// Four matrices; lanes 8 i .. 8 i + 7 name the eight rows (16 bytes each) of the i-th. `transposed`: register pairs run along a column.
__device__ __forceinline__ void store_matrices(uint32_t to, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};\n" ::"r"(to), "r"(a), "r"(b), "r"(c), "r"(d) : "memory");
}
__device__ __forceinline__ void store_matrices_transposed(uint32_t to, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};\n" ::"r"(to), "r"(a), "r"(b), "r"(c), "r"(d)
               : "memory");
}

#endif

}  // namespace trtllm::cuda

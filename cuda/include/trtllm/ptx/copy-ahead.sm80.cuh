#pragma once
#include <cstdint>

// Sixteen bytes from global to shared memory without a register on the way (sm_80 and later).
// HAZARD: both addresses are multiples of 16; what was copied is seen after wait_for_copies and, by other threads, a barrier.
namespace trtllm::cuda {

__device__ __forceinline__ void copy_to_shared(uint32_t to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(to), "l"(from) : "memory");
}
__device__ __forceinline__ void wait_for_copies() { asm volatile("cp.async.wait_all;\n" ::: "memory"); }

}  // namespace trtllm::cuda

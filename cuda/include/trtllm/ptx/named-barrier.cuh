#pragma once
// Barriers 1 to 15 of a block, for some of its warps: `threads` of them, whole warps, counting those that only arrive.
namespace trtllm::cuda {

__device__ __forceinline__ void wait_at_barrier(int barrier, int threads) {
  asm volatile("bar.sync %0, %1;\n" ::"r"(barrier), "r"(threads) : "memory");
}
__device__ __forceinline__ void arrive_at_barrier(int barrier, int threads) {
  asm volatile("bar.arrive %0, %1;\n" ::"r"(barrier), "r"(threads) : "memory");
}

}  // namespace trtllm::cuda

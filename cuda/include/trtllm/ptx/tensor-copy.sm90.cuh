#pragma once
#include <cuda.h>

#include <cstdint>

// Barriers in shared memory that count arrivals and copied bytes, and copies of boxes of a tensor that complete on them
// (sm_90). A barrier's phases alternate in parity: the first is 0; wait(1) on a fresh barrier returns at once.
namespace trtllm::cuda {

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

__device__ __forceinline__ uint32_t barrier_address(const uint64_t* barrier) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(barrier));
}

__device__ __forceinline__ void init_barrier(uint64_t* barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;\n" ::"r"(barrier_address(barrier)), "r"(arrivals) : "memory");
}

// Makes initialised barriers known to the copy engine.
__device__ __forceinline__ void publish_barriers() { asm volatile("fence.mbarrier_init.release.cluster;\n" ::: "memory"); }

__device__ __forceinline__ void arrive(uint64_t* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];\n" ::"r"(barrier_address(barrier)) : "memory");
}

// Arrives; the phase ends only when `bytes` more have been copied.
__device__ __forceinline__ void arrive_expecting(uint64_t* barrier, uint32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;\n" ::"r"(barrier_address(barrier)), "r"(bytes) : "memory");
}

__device__ __forceinline__ void wait_phase(uint64_t* barrier, uint32_t parity) {
  asm volatile(
      "{\n.reg .pred done;\n"
      "again:\nmbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra over;\nbra again;\nover:\n}\n" ::"r"(barrier_address(barrier)),
      "r"(parity)
      : "memory");
}

// Orders ordinary writes of shared memory before reads of tensor cores and the copy engine; each writer, before a barrier.
__device__ __forceinline__ void publish_shared_writes() { asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory"); }

__device__ __forceinline__ void copy_box(void* to, const CUtensorMap* map, uint64_t* barrier, int32_t x, int32_t y) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];\n" ::"r"(
                   static_cast<uint32_t>(__cvta_generic_to_shared(to))),
               "l"(map), "r"(barrier_address(barrier)), "r"(x), "r"(y)
               : "memory");
}

__device__ __forceinline__ void copy_box(void* to, const CUtensorMap* map, uint64_t* barrier, int32_t x, int32_t y, int32_t z) {
  asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], [%2];\n" ::"r"(
                   static_cast<uint32_t>(__cvta_generic_to_shared(to))),
               "l"(map), "r"(barrier_address(barrier)), "r"(x), "r"(y), "r"(z)
               : "memory");
}

// HAZARD: both addresses and the size must be multiples of 16.
__device__ __forceinline__ void copy_bytes(void* to, const void* from, uint64_t* barrier, uint32_t bytes) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];\n" ::"r"(
                   static_cast<uint32_t>(__cvta_generic_to_shared(to))),
               "l"(from), "r"(bytes), "r"(barrier_address(barrier))
               : "memory");
}

// What is read once leaves L2 first.
__device__ __forceinline__ uint64_t read_once_policy() {
  uint64_t policy;
  asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;\n" : "=l"(policy));
  return policy;
}

__device__ __forceinline__ void copy_bytes(void* to, const void* from, uint64_t* barrier, uint32_t bytes, uint64_t policy) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], %4;\n" ::"r"(
                   static_cast<uint32_t>(__cvta_generic_to_shared(to))),
               "l"(from), "r"(bytes), "r"(barrier_address(barrier)), "l"(policy)
               : "memory");
}

#endif

}  // namespace trtllm::cuda

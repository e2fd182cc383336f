#pragma once
#include "tensor-copy.sm90.cuh"

// What two blocks of a cluster do for each other (sm_90): arrive at a barrier of the other, copy a box into both.
namespace trtllm::cuda {

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

// Arrives at the barrier of block `rank` that lies where `barrier` lies here.
__device__ __forceinline__ void arrive_in_block(uint64_t* barrier, uint32_t rank) {
  asm volatile(
      "{\n.reg .b32 there;\n"
      "mapa.shared::cluster.u32 there, %0, %1;\n"
      "mbarrier.arrive.shared::cluster.b64 _, [there];\n}\n" ::"r"(barrier_address(barrier)),
      "r"(rank)
      : "memory");
}

// As copy_box, to the same place in both blocks; the barrier of each counts its own.
__device__ __forceinline__ void copy_box_to_both(void* to, const CUtensorMap* map, uint64_t* barrier, int32_t x, int32_t y) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%4, %5}], [%2], %3;\n" ::"r"(
          static_cast<uint32_t>(__cvta_generic_to_shared(to))),
      "l"(map), "r"(barrier_address(barrier)), "h"(static_cast<uint16_t>(3)), "r"(x), "r"(y)
      : "memory");
}

#endif

}  // namespace trtllm::cuda

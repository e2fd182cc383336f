#pragma once
#include <cstdint>

// Four bytes to shared memory by their address there.
namespace trtllm::cuda {

__device__ __forceinline__ void store_shared(uint32_t address, uint32_t word) {
  asm volatile("st.shared.u32 [%0], %1;\n" ::"r"(address), "r"(word) : "memory");
}

}  // namespace trtllm::cuda

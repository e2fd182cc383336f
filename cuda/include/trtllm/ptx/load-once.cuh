#pragma once
#include <cuda_runtime.h>

// 16 bytes of global memory that is read once: past L1, so that what is read again stays there.
// HAZARD: `p` must be 16-byte aligned, and nothing may write there while the kernel runs.
namespace trtllm::cuda {

__device__ __forceinline__ uint4 load_once(const void* p) {
  uint4 v;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];\n" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p));
  return v;
}

}  // namespace trtllm::cuda

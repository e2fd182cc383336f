#pragma once
#include <cuda_runtime.h>

#include <cstdint>

// Single values in global memory that blocks running at the same time write and read without other ordering: past L1, and each
// value whole (sm_70 and later). HAZARD: addresses are aligned to what is read or written.
namespace trtllm::cuda {

__device__ __forceinline__ uint4 read_exchanged_pack(const void* p) {
  uint4 v;
  asm volatile("ld.relaxed.gpu.global.v4.u32 {%0,%1,%2,%3}, [%4];\n" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p) : "memory");
  return v;
}
__device__ __forceinline__ uint2 read_exchanged_pair(const float* p) {
  uint2 v;
  asm volatile("ld.relaxed.gpu.global.v2.u32 {%0,%1}, [%2];\n" : "=r"(v.x), "=r"(v.y) : "l"(p) : "memory");
  return v;
}
__device__ __forceinline__ uint16_t read_exchanged(const uint16_t* p) {
  uint16_t v;
  asm volatile("ld.relaxed.gpu.global.u16 %0, [%1];\n" : "=h"(v) : "l"(p) : "memory");
  return v;
}

__device__ __forceinline__ void write_exchanged_pair(float* p, uint2 bits) {
  asm volatile("st.relaxed.gpu.global.v2.u32 [%0], {%1,%2};\n" ::"l"(p), "r"(bits.x), "r"(bits.y) : "memory");
}
__device__ __forceinline__ void write_exchanged(float* p, uint32_t bits) {
  asm volatile("st.relaxed.gpu.global.u32 [%0], %1;\n" ::"l"(p), "r"(bits) : "memory");
}
__device__ __forceinline__ void write_exchanged(uint16_t* p, uint16_t bits) {
  asm volatile("st.relaxed.gpu.global.u16 [%0], %1;\n" ::"l"(p), "h"(bits) : "memory");
}

}  // namespace trtllm::cuda

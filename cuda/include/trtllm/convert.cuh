#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <cstdint>

// Element types of device memory and their conversion to and from f32: round to nearest, ties to even; what f8 (OCP e4m3)
// and i8 cannot hold becomes their largest.
namespace trtllm::cuda {

using bf16 = __nv_bfloat16;
using f16 = __half;
using f8 = __nv_fp8_e4m3;
using i8 = int8_t;

__device__ __forceinline__ float to_f32(float x) { return x; }
__device__ __forceinline__ float to_f32(f16 x) { return __half2float(x); }
__device__ __forceinline__ float to_f32(bf16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float to_f32(f8 x) { return static_cast<float>(x); }
__device__ __forceinline__ float to_f32(i8 x) { return static_cast<float>(x); }

template <class T>
__device__ __forceinline__ T from_f32(float x);
template <>
__device__ __forceinline__ float from_f32<float>(float x) {
  return x;
}
template <>
__device__ __forceinline__ f16 from_f32<f16>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ __forceinline__ bf16 from_f32<bf16>(float x) {
  return __float2bfloat16_rn(x);
}
template <>
__device__ __forceinline__ f8 from_f32<f8>(float x) {
  return f8(x);
}
template <>
__device__ __forceinline__ i8 from_f32<i8>(float x) {
  return static_cast<i8>(__float2int_rn(fminf(fmaxf(x, -127.0f), 127.0f)));
}

}  // namespace trtllm::cuda

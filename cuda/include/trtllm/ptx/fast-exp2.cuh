#pragma once
// 2^x within 2 ulp; results below the normal range are 0.
namespace trtllm::cuda {

__device__ __forceinline__ float fast_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
}

}  // namespace trtllm::cuda

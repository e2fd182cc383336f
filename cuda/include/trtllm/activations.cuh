#pragma once
#include <cuda_runtime.h>

// Activations in f32.
namespace trtllm::cuda {

__device__ __forceinline__ float silu(float x) { return x / (1.0f + expf(-x)); }

// x / 2 * (1 + tanh(u)) = x / (1 + e^(-2u)), u = sqrt(2 / pi) * (x + 0.044715 x^3).
__device__ __forceinline__ float gelu_tanh(float x) {
  const float u = 0.797884561f * fmaf(x * x * x, 0.044715f, x);
  return x / (1.0f + expf(-2.0f * u));
}

}  // namespace trtllm::cuda

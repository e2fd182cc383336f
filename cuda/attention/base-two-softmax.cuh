#pragma once
#include <trtllm/convert.cuh>
#include <trtllm/ptx/fast-exp2.cuh>
#include <trtllm/reduce.cuh>

// Pieces of the online softmax in base 2, for accumulators of tensor cores: element i of a thread is of its row i / 2 % 2.
namespace trtllm::cuda {

constexpr float kLog2E = 1.4426950408889634f;

__device__ __forceinline__ uint32_t two_words(float low, float high, bf16) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&pair);
}
__device__ __forceinline__ uint32_t two_words(float low, float high, f16) {
  const __half2 pair = __floats2half2_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&pair);
}

// cap * tanh(scale / cap * dot) by tanh x = 1 - 2 / (e^2x + 1).
__device__ __forceinline__ float soft_capped(float dot, float scale, float cap) {
  return cap - __fdividef(2 * cap, fast_exp2(dot * (scale / cap * 2 * kLog2E)) + 1);
}

// Scores become weights exp2(factor * (score - best) + kOffset), a factor for each row; kept[half] is the factor for what was
// summed so far. `total` is of this thread's columns only.
template <int kOffset, int kCount>
__device__ __forceinline__ void soften_base_two(float (&scores)[kCount], const float (&factor)[2], float (&best)[2], float (&total)[2],
                                                float (&kept)[2]) {
#pragma unroll
  for (int half = 0; half < 2; half++) {
    float top = best[half];
#pragma unroll
    for (int i = 2 * half; i < kCount; i += 4) top = fmaxf(top, fmaxf(scores[i], scores[i + 1]));
    top = fmaxf(top, __shfl_xor_sync(kFullWarp, top, 1));
    top = fmaxf(top, __shfl_xor_sync(kFullWarp, top, 2));
    const float shift = top == -__builtin_inff() ? 0.0f : top * factor[half];  // nothing visible yet: all weights become 0
    kept[half] = fast_exp2(fmaf(best[half], factor[half], -shift));
    const float lowered = shift - static_cast<float>(kOffset);
    float sum = 0;
#pragma unroll
    for (int i = 2 * half; i < kCount; i += 4) {
      scores[i] = fast_exp2(fmaf(scores[i], factor[half], -lowered));
      scores[i + 1] = fast_exp2(fmaf(scores[i + 1], factor[half], -lowered));
      sum += scores[i] + scores[i + 1];
    }
    total[half] = fmaf(total[half], kept[half], sum);
    best[half] = top;
  }
}

// The same with one factor.
template <int kCount>
__device__ __forceinline__ void soften_base_two(float (&scores)[kCount], float factor, float (&best)[2], float (&total)[2], float (&kept)[2]) {
  const float factors[2] = {factor, factor};
  soften_base_two<0>(scores, factors, best, total, kept);
}

}  // namespace trtllm::cuda

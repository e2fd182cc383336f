#pragma once
#include <trtllm/convert.cuh>
#include <trtllm/reduce.cuh>

// The online softmax of 16 rows x 32 keys of scores in mma accumulators: thread (g, t) of a warp has rows g and g + 8,
// keys 8j + 2t and 8j + 2t + 1.
namespace trtllm::cuda {

template <class T>
__device__ __forceinline__ uint32_t pair_word(float low, float high) {
  T pair[2] = {from_f32<T>(low), from_f32<T>(high)};
  uint32_t word;
  memcpy(&word, pair, 4);
  return word;
}

// The online softmax of one row's share in a thread: scores become weights; returns the factor for what was summed so far.
__device__ __forceinline__ float soften(float (&scores)[4][4], int half, float& best, float& total) {
  float top = best;
#pragma unroll
  for (int j = 0; j < 4; j++) top = fmaxf(top, fmaxf(scores[j][2 * half], scores[j][2 * half + 1]));
  top = fmaxf(top, __shfl_xor_sync(kFullWarp, top, 1));
  top = fmaxf(top, __shfl_xor_sync(kFullWarp, top, 2));
  const float shift = top == -__builtin_inff() ? 0.0f : top;  // nothing visible yet: all weights become 0
  const float kept = expf(best - shift);
  float sum = 0;
#pragma unroll
  for (int j = 0; j < 4; j++) {
#pragma unroll
    for (int e = 0; e < 2; e++) {
      scores[j][2 * half + e] = expf(scores[j][2 * half + e] - shift);
      sum += scores[j][2 * half + e];
    }
  }
  total = fmaf(total, kept, sum);  // this thread's columns only; joined at the end
  best = top;
  return kept;
}

}  // namespace trtllm::cuda

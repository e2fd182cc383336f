#pragma once
#include <trtllm/reduce.cuh>

// The experts of each token: score, choice, weights (what they are: packages/kernels/ops/route/route.op.ts).
// A warp owns a token; lane l has experts l, l + 32, ... in registers, kEach of them at most. The choice goes by keys, integers
// that order as the numbers do: above 1 for numbers, 1 for NaN, 0 for what is taken. No shared memory.
// Numerics: the sum of a softmax is taken across lanes, that of the chosen weights best first; all in f32.
namespace trtllm::cuda {

struct ChooseOperands {
  const float *logits, *bias;  // bias may be null
  int32_t* experts;
  float* weights;
  int64_t tokens, logits_stride;
  int count, chosen, groups, chosen_groups, group_best;
  bool sigmoid, renormalize;
  float factor;
};

__device__ __forceinline__ uint32_t key_of(float x) {
  const uint32_t bits = __float_as_uint(x);
  if (x != x) return 1;
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}
__device__ __forceinline__ float of_key(uint32_t key) {
  if (key == 1) return __int_as_float(0x7fffffff);
  return __uint_as_float((key & 0x80000000u) != 0 ? key & 0x7fffffffu : ~key);
}

// The expert with the largest key, the lowest of equal ones, and that key.
template <int kEach>
__device__ __forceinline__ int best_expert(const uint32_t (&keys)[kEach], int lane, uint32_t* best) {
  uint32_t largest = 0;
#pragma unroll
  for (int i = 0; i < kEach; i++) largest = max(largest, keys[i]);
  *best = __reduce_max_sync(kFullWarp, largest);
  int expert = INT32_MAX;
#pragma unroll
  for (int i = kEach - 1; i >= 0; i--) {
    if (keys[i] == *best) expert = lane + 32 * i;
  }
  return __reduce_min_sync(kFullWarp, expert);
}

// Takes the experts of all groups but the best out of the choice. Lane g has the mark of group g: 32 groups at most.
template <int kEach>
__device__ __forceinline__ void keep_groups(const ChooseOperands& o, uint32_t (&keys)[kEach], int lane) {
  const int size = o.count / o.groups;
  float mark = 0;
  for (int g = 0; g < o.groups; g++) {
    uint32_t members[kEach];
#pragma unroll
    for (int i = 0; i < kEach; i++) members[i] = (lane + 32 * i) / size == g ? keys[i] : 0;
    float sum = 0;
    for (int j = 0; j < o.group_best; j++) {
      uint32_t best;
      const int expert = best_expert(members, lane, &best);
      sum += of_key(best);
#pragma unroll
      for (int i = 0; i < kEach; i++) {
        if (lane + 32 * i == expert) members[i] = 0;
      }
    }
    if (lane == g) mark = sum;
  }
  const uint32_t mine = key_of(mark);
  int better = 0;
  for (int g = 0; g < o.groups; g++) {
    const uint32_t other = __shfl_sync(kFullWarp, mine, g);
    better += other > mine || (other == mine && g < lane);
  }
  const uint32_t kept = __ballot_sync(kFullWarp, lane < o.groups && better < o.chosen_groups);
#pragma unroll
  for (int i = 0; i < kEach; i++) {
    const int group = (lane + 32 * i) / size;
    if (group >= o.groups || (kept >> group & 1u) == 0) keys[i] = 0;
  }
}

template <int kEach>
__device__ __forceinline__ void choose_experts(const ChooseOperands& o, int64_t token, int lane) {
  float scores[kEach], largest = -__int_as_float(0x7f800000);
  uint32_t keys[kEach];
#pragma unroll
  for (int i = 0; i < kEach; i++) {
    const int e = lane + 32 * i;
    scores[i] = e < o.count ? o.logits[token * o.logits_stride + e] : 0.0f;
    keys[i] = e < o.count ? key_of(scores[i]) : 0;
    if (e < o.count) largest = fmaxf(largest, scores[i]);
  }
  if (o.sigmoid) {
#pragma unroll
    for (int i = 0; i < kEach; i++) scores[i] = 1.0f / (1.0f + expf(-scores[i]));
  } else {
    largest = warp_reduce(largest, Max());
    float total = 0;
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      scores[i] = lane + 32 * i < o.count ? expf(scores[i] - largest) : 0.0f;
      total += scores[i];
    }
    total = warp_reduce(total, Sum());
#pragma unroll
    for (int i = 0; i < kEach; i++) scores[i] /= total;
  }
  if (o.bias != nullptr || o.groups > 1) {
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      const int e = lane + 32 * i;
      if (e < o.count) keys[i] = key_of(scores[i] + (o.bias != nullptr ? o.bias[e] : 0.0f));
    }
  }
  if (o.groups > 1) keep_groups(o, keys, lane);

  int32_t* experts = o.experts + token * o.chosen;
  float* weights = o.weights + token * o.chosen;
  float total = 0;
  for (int j = 0; j < o.chosen; j++) {
    uint32_t best;
    const int expert = best_expert(keys, lane, &best);
    float score = 0;
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      if (expert / 32 == i) score = scores[i];
      if (lane + 32 * i == expert) keys[i] = 0;
    }
    score = __shfl_sync(kFullWarp, score, expert % 32);
    total += score;
    if (lane == 0) {
      experts[j] = expert;
      weights[j] = score;
    }
  }
  __syncwarp();
  const float divisor = o.renormalize ? total + 1e-20f : 1.0f;
  for (int j = lane; j < o.chosen; j += 32) weights[j] = weights[j] / divisor * o.factor;
}

// Grid: x = tokens / warps of a block.
template <int kEach>
__global__ void __launch_bounds__(128) choose_experts_kernel(ChooseOperands o) {
  const int64_t token = static_cast<int64_t>(blockIdx.x) * 4 + (threadIdx.x >> 5);
  if (token < o.tokens) choose_experts<kEach>(o, token, threadIdx.x & 31);
}

}  // namespace trtllm::cuda

#pragma once
#include "base-two-softmax.cuh"
#include "paged-attention.cuh"

// The rows of one warpgroup of the prefill kernel: what each sees, its online softmax in base 2, and its results.
// Thread with warp w, g = lane / 4, t = lane % 4 has rows 16w + g and 16w + g + 8, columns 8j + 2t and 8j + 2t + 1.
namespace trtllm::cuda {

// Weights as the first operand of products over sixteen keys each.
template <class T, int kSteps, int kCount>
__device__ __forceinline__ void pack_weights(uint32_t (&to)[kSteps][4], const float (&weights)[kCount]) {
  static_assert(kCount == kSteps * 8);
#pragma unroll
  for (int i = 0; i < kSteps * 4; i++) to[i / 4][i % 4] = two_words(weights[2 * i], weights[2 * i + 1], T());
}

struct PrefillRows {
  const AttentionOperands& o;
  int32_t first_row, group, queries, first_position;
  int32_t last[2], first[2];  // positions that this thread's rows see
  float scale[2];             // of the products of each row, to scores
  float factor[2];            // of what is softened, to base 2
  float best[2], total[2];    // of sums of weights: this thread's columns only

  __device__ __forceinline__ PrefillRows(const AttentionOperands& operands, int32_t position, int32_t num_queries, int warpgroup)
      : o(operands), group(operands.heads / operands.kv_heads), queries(num_queries), first_position(position) {
    first_row = warpgroup * 64 + (threadIdx.x >> 5 & 3) * 16 + (threadIdx.x >> 2 & 7);
    scale_rows(1, 1);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      last[half] = position + (first_row + 8 * half) / group;
      first[half] = static_cast<int32_t>(first_visible(last[half], o.window));
      best[half] = -__builtin_inff();
      total[half] = 0;
    }
  }

  // What the rows' queries were divided by.
  __device__ __forceinline__ void scale_rows(float upper, float lower) {
    scale[0] = o.scale * upper;
    scale[1] = o.scale * lower;
#pragma unroll
    for (int half = 0; half < 2; half++) factor[half] = (o.softcap > 0 ? 1.0f : scale[half]) * kLog2E;
  }

  // Products of keys from position `from` become weights times 2^kOffset; kept[half] is the factor for what was summed so far.
  template <int kOffset = 0, int kCount>
  __device__ __forceinline__ void soften(float (&scores)[kCount], int32_t from, float (&kept)[2]) {
    if (o.softcap > 0) {
#pragma unroll
      for (int i = 0; i < kCount; i++) scores[i] = soft_capped(scores[i], scale[i / 2 % 2], o.softcap);
    }
    const int32_t last_position = first_position + queries - 1;
    const bool is_whole = from + kCount * 2 - 1 <= first_position && (o.window <= 0 || from > last_position - o.window);
    if (!is_whole) {
      const int32_t key = from + 2 * (threadIdx.x & 3);
#pragma unroll
      for (int i = 0; i < kCount; i++) {
        const int32_t position = key + i / 4 * 8 + i % 2;
        if (position > last[i / 2 % 2] || position < first[i / 2 % 2]) scores[i] = -__builtin_inff();
      }
    }
    soften_base_two<kOffset>(scores, factor, best, total, kept);
  }

  // What a row's sums are multiplied by in the end. `sum`: of the row's weights.
  template <int kOffset = 0>
  __device__ __forceinline__ float last_factor(float sum, int half, int32_t head, bool inside) const {
    if (inside && o.sinks != nullptr) sum += fast_exp2(fmaf(o.sinks[head], kLog2E, static_cast<float>(kOffset) - best[half] * factor[half]));
    return sum == 0 ? 0.0f : o.value_scale / sum;
  }

  // Four lanes have the pairs of a row's eight columns; they trade, so that each stores 16 bytes.
  template <class T, int kCount>
  __device__ __forceinline__ void store(const float (&sums)[kCount], T* y, int64_t first_token, int32_t kv_head) const {
    const int t = threadIdx.x & 3;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int32_t row = first_row + 8 * half, head = kv_head * group + row % group;
      const bool inside = row / group < queries;
      float sum = total[half];
      sum += __shfl_xor_sync(kFullWarp, sum, 1);
      sum += __shfl_xor_sync(kFullWarp, sum, 2);
      const float last = last_factor(sum, half, head, inside);
      T* out = y + (first_token + row / group) * o.y_stride + head * o.y_head;
#pragma unroll
      for (int block = 0; block < kCount / 16; block++) {  // 32 columns
        uint32_t words[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const float* at = sums + (block * 4 + i) * 4 + 2 * half;
          words[i] = two_words(at[0] * last, at[1] * last, T());
        }
        trade(words, t);
        if (inside) *reinterpret_cast<uint4*>(out + block * 32 + t * 8) = uint4{words[0], words[1], words[2], words[3]};
      }
    }
  }

  // Of sums whose columns lie as values do that were turned: of each sixteen the even ones before the odd ones, after them
  // eight columns of the sum of weights. A thread has four neighbours.
  template <int kOffset, class T, int kCount>
  __device__ __forceinline__ void store_turned(const float (&sums)[kCount], T* y, int64_t first_token, int32_t kv_head) const {
    const int t = threadIdx.x & 3;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int32_t row = first_row + 8 * half, head = kv_head * group + row % group;
      const bool inside = row / group < queries;
      const float last = last_factor<kOffset>(sums[kCount - 4 + 2 * half], half, head, inside);
      T* out = y + (first_token + row / group) * o.y_stride + head * o.y_head;
#pragma unroll
      for (int block = 0; block < kCount / 8; block++) {  // 16 columns
        const float* at = sums + block * 8 + 2 * half;
        const uint2 words{two_words(at[0] * last, at[4] * last, T()), two_words(at[1] * last, at[5] * last, T())};
        if (inside) *reinterpret_cast<uint2*>(out + block * 16 + t * 4) = words;
      }
    }
  }

  // words[i] of lane t of four becomes words[t] of lane i.
  static __device__ __forceinline__ void trade(uint32_t (&words)[4], int t) {
#pragma unroll
    for (int bit = 1; bit <= 2; bit <<= 1) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        if (i & bit) continue;
        const bool upper = (t & bit) != 0;
        const uint32_t given = upper ? words[i] : words[i | bit];
        const uint32_t got = __shfl_xor_sync(kFullWarp, given, bit);
        if (upper) {
          words[i] = got;
        } else {
          words[i | bit] = got;
        }
      }
    }
  }
};

}  // namespace trtllm::cuda

#pragma once
#include <trtllm/ptx/mma.cuh>
#include <trtllm/ptx/transpose.cuh>

#include "attention-tokens.cuh"

// What one warp does in an attention of a chain: makes heads ready, and runs the softmax over its groups of tokens.
namespace trtllm::cuda {

// One warp makes one head of q (or k, or v) ready: normed, rotated, to shared memory.
template <class T, int kDim>
__device__ __forceinline__ void prepare_head(const AttentionLink& l, const RotaryStep* step, const uint16_t* from,
                                             const float* norm, T* to) {
  constexpr int kUnits = kDim / 32;
  const int lane = threadIdx.x & 31, half = step != nullptr ? step->half : 0, units = kDim - half;
  const float *cosine = chain_shared().cosine[l.rotary < 0 ? 0 : l.rotary], *sine = chain_shared().sine[l.rotary < 0 ? 0 : l.rotary];
  uint16_t bits[kUnits][2];
  const auto place = [&](int unit, int which) {
    if (unit >= half) return unit + half;
    return which == 0 ? first_of(*step, unit) : second_of(*step, unit);
  };
#pragma unroll
  for (int n = 0; n < kUnits; n++) {
    const int unit = lane + 32 * n;
    bits[n][0] = unit < units ? read_exchanged(from + place(unit, 0)) : uint16_t{0};
    bits[n][1] = unit < half ? read_exchanged(from + place(unit, 1)) : uint16_t{0};
  }
  float values[kUnits][2], squares = 0;
#pragma unroll
  for (int n = 0; n < kUnits; n++) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      while (bits[n][i] == kAbsent) bits[n][i] = read_exchanged(from + place(lane + 32 * n, i));
      values[n][i] = to_f32(*reinterpret_cast<const T*>(&bits[n][i]));
      squares = fmaf(values[n][i], values[n][i], squares);
    }
  }
  if (norm != nullptr) {
    const float scale = 1.0f / sqrtf(warp_reduce(squares, Sum()) / static_cast<float>(kDim) + l.norm_eps);
#pragma unroll
    for (int n = 0; n < kUnits; n++) {
      const int unit = lane + 32 * n;
      if (unit < units) values[n][0] = to_f32(from_f32<T>(values[n][0] * scale * norm[place(unit, 0)]));
      if (unit < half) values[n][1] = to_f32(from_f32<T>(values[n][1] * scale * norm[place(unit, 1)]));
    }
  }
#pragma unroll
  for (int n = 0; n < kUnits; n++) {
    const int unit = lane + 32 * n;
    if (unit < half) {
      const float c = cosine[unit], s = sine[unit];
      to[place(unit, 0)] = from_f32<T>(fmaf(-values[n][1], s, values[n][0] * c));
      to[place(unit, 1)] = from_f32<T>(fmaf(values[n][0], s, values[n][1] * c));
    } else if (unit < units) {
      to[place(unit, 0)] = from_f32<T>(values[n][0]);
    }
  }
}

__device__ __forceinline__ uint32_t word_of(const uint4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

// Running softmax of a warp. Heads 2t and 2t + 1 are a lane's; outputs[b][w]: dims b * 64 + g * 8 + 2w and that + 1.
template <class T, int kDim>
struct WarpSoftmax {
  float best[2], total[2] = {0, 0}, outputs[kDim / 64][4][4] = {};

  __device__ __forceinline__ WarpSoftmax() { best[0] = best[1] = -__builtin_inff(); }

  __device__ __forceinline__ void take(const AttentionLink& l, const AttentionSpan& span, const TokenGroup<T, kDim>& group, int token, int end,
                                       const T* queries) {
    const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
    float scores[4] = {};
    const T* query = queries + g * AttentionScratch<T, kDim>::kRowStride + t * 8;
#pragma unroll
    for (int b = 0; b < kDim / 32; b++) {
      const uint4 q = *reinterpret_cast<const uint4*>(query + b * 32);
      const uint4 &low = group.keys[0][b], &high = group.keys[1][b];
      const uint32_t a0[4] = {low.x, high.x, low.y, high.y}, b0[2] = {q.x, q.y};
      const uint32_t a1[4] = {low.z, high.z, low.w, high.w}, b1[2] = {q.z, q.w};
      mma_16x8x16(scores, a0, b0, T());
      mma_16x8x16(scores, a1, b1, T());
    }
    float kept[2];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int at = token + g + 8 * (i >> 1);
      const float score = l.softcap > 0 ? soft_capped(scores[i], l.scale, l.softcap) : scores[i] * l.scale;
      scores[i] = at >= span.first && at < end ? score * kLog2E : -__builtin_inff();
    }
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float top = fmaxf(best[h], fmaxf(scores[h], scores[h + 2]));
#pragma unroll
      for (int offset = 4; offset < 32; offset <<= 1) top = fmaxf(top, __shfl_xor_sync(kFullWarp, top, offset));
      const float shift = top == -__builtin_inff() ? 0.0f : top;
      kept[h] = fast_exp2(best[h] - shift);
      scores[h] = fast_exp2(scores[h] - shift), scores[h + 2] = fast_exp2(scores[h + 2] - shift);
      total[h] = fmaf(total[h], kept[h], scores[h] + scores[h + 2]);
      best[h] = top;
    }
    const uint32_t weights[2] = {transposed(two_words(scores[0], scores[1], T())), transposed(two_words(scores[2], scores[3], T()))};
#pragma unroll
    for (int b = 0; b < kDim / 64; b++) {
#pragma unroll
      for (int w = 0; w < 4; w++) {
        const auto word = [&](int i) { return word_of(group.values[i][b], w); };
        const uint32_t a[4] = {__byte_perm(word(0), word(1), 0x5410), __byte_perm(word(0), word(1), 0x7632),
                               __byte_perm(word(2), word(3), 0x5410), __byte_perm(word(2), word(3), 0x7632)};
        float(&out)[4] = outputs[b][w];
        out[0] *= kept[0], out[1] *= kept[1], out[2] *= kept[0], out[3] *= kept[1];
        mma_16x8x16(out, a, weights, T());
      }
    }
  }

  __device__ __forceinline__ void leave(AttentionScratch<T, kDim>& scratch, int part_heads) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
#pragma unroll
    for (int h = 0; h < 2; h++) {
#pragma unroll
      for (int offset = 4; offset < 32; offset <<= 1) total[h] += __shfl_xor_sync(kFullWarp, total[h], offset);
      const int head = 2 * t + h;
      if (head >= part_heads) continue;
      if (g == 0) scratch.masses[warp * kPartHeads + head] = float2{best[h], total[h]};
      float* to = scratch.outputs + (warp * part_heads + head) * kDim + g * 8;
#pragma unroll
      for (int b = 0; b < kDim / 64; b++) {
#pragma unroll
        for (int w = 0; w < 4; w++) *reinterpret_cast<float2*>(to + b * 64 + 2 * w) = float2{outputs[b][w][h], outputs[b][w][2 + h]};
      }
    }
  }
};

// The weight that sums of `best` have among those of `top`.
__device__ __forceinline__ float share_of(float best, float top) { return best == -__builtin_inff() ? 0.0f : fast_exp2(best - top); }

}  // namespace trtllm::cuda

#pragma once
#include <trtllm/convert.cuh>

#include "paged-attention.cuh"

// softmax(scale * q k^T) v, one query row at a time: any element type, head size up to 256, any grouping.
// A block of 8 warps owns one (token, head); warp w takes the visible positions first + w, first + w + 8, ...; a lane holds
// elements lane, lane + 32, ... of q, of the running output, and of each key and value. Each warp keeps its own maximum,
// sum and output (online softmax); the block joins them at the end.
// Shared memory: 8 maxima, 8 sums, 8 x 256 outputs in f32: 8.3 KB. Numerics: f32, expf, one rounding; no visible page gives 0.
// Grid: x = tokens, y = heads.
namespace trtllm::cuda {

constexpr int kRowWarps = 8, kMaxHeadDim = 256;

template <class T, class Pages, int kSlices>
__global__ void __launch_bounds__(kRowWarps * 32) paged_rows_kernel(AttentionOperands o, Pages pages, const T* q, T* y) {
  __shared__ float maxima[kRowWarps], totals[kRowWarps], outputs[kRowWarps][kSlices * 32];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int64_t token = blockIdx.x;
  const int32_t head = blockIdx.y, kv_head = head / (o.heads / o.kv_heads);
  T* out = y + token * o.y_stride + head * o.y_head;
  const int64_t seq = sequence_of(o.seq_start, o.seqs, token);
  if (seq < 0) {  // padding: the same in every thread
    for (int i = threadIdx.x; i < o.head_dim; i += blockDim.x) out[i] = from_f32<T>(0.0f);
    return;
  }
  const int64_t slot = o.seq_slot[seq];
  const int64_t position = static_cast<int64_t>(o.seq_context[seq]) - o.seq_start[seq + 1] + token;
  const T* query = q + token * o.q_stride + head * o.q_head;
  float queries[kSlices], sums[kSlices] = {};
#pragma unroll
  for (int i = 0; i < kSlices; i++) queries[i] = lane + 32 * i < o.head_dim ? to_f32(query[lane + 32 * i]) : 0.0f;
  float best = -__builtin_inff(), total = 0;
  for (int64_t p = first_visible(position, o.window) + warp; p <= position; p += kRowWarps) {
    const auto* key = pages.at(slot, p, 0, kv_head);
    if (key == nullptr) continue;  // the same in the whole warp
    const auto* value = key + pages.part_stride;
    float score = 0, values[kSlices];
#pragma unroll
    for (int i = 0; i < kSlices; i++) {
      const bool inside = lane + 32 * i < o.head_dim;
      score = fmaf(queries[i], inside ? to_f32(key[lane + 32 * i]) : 0.0f, score);
      values[i] = inside ? to_f32(value[lane + 32 * i]) : 0.0f;
    }
    score = attention_score(o, warp_reduce(score, Sum()));
    const float next = fmaxf(best, score);
    if (next == -__builtin_inff()) continue;
    const float kept = expf(best - next), weight = expf(score - next);
    total = fmaf(total, kept, weight);
#pragma unroll
    for (int i = 0; i < kSlices; i++) sums[i] = fmaf(sums[i], kept, weight * values[i]);
    best = next;
  }
  if (lane == 0) {
    maxima[warp] = best;
    totals[warp] = total;
  }
#pragma unroll
  for (int i = 0; i < kSlices; i++) outputs[warp][lane + 32 * i] = sums[i];
  __syncthreads();
  float top = -__builtin_inff();
  for (int w = 0; w < kRowWarps; w++) top = fmaxf(top, maxima[w]);
  for (int i = threadIdx.x; i < o.head_dim; i += blockDim.x) {
    float sum = 0, weight = 0;
    for (int w = 0; w < kRowWarps; w++) {
      if (totals[w] == 0) continue;
      const float kept = expf(maxima[w] - top);
      sum = fmaf(outputs[w][i], kept, sum);
      weight = fmaf(totals[w], kept, weight);
    }
    out[i] = from_f32<T>(weighted_mean(o, sum, weight + sink_weight(o, head, top)));
  }
}

}  // namespace trtllm::cuda

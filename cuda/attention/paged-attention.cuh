#pragma once
#include <trtllm/reduce.cuh>

#include <cstdint>

// What the attention kernels share: the operands, which sequence a token or a piece of work belongs to, and scores.
namespace trtllm::cuda {

struct AttentionOperands {
  const int32_t *seq_slot, *seq_start, *seq_context;
  int64_t tokens, seqs;
  int32_t heads, kv_heads, head_dim, window;  // window 0: all positions
  float scale, softcap;                       // scale: that of cached keys included; softcap 0: none
  int64_t q_stride, q_head, y_stride, y_head;
  const float* sinks;  // a score for each head in the sum of weights; null: none
  float value_scale;   // factor of cached values
};

// The last sequence that starts at or before `token` (so that empty ones are passed over); -1 when the token is in none.
__host__ __device__ inline int64_t sequence_of(const int32_t* seq_start, int64_t seqs, int64_t token) {
  int64_t low = 0, high = seqs;  // seq_start[low] <= token < seq_start[high]
  if (seqs == 0 || token < seq_start[0] || token >= seq_start[seqs]) return -1;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (seq_start[middle] <= token) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

// First position that a query at `position` sees.
__host__ __device__ inline int64_t first_visible(int64_t position, int32_t window) {
  return window > 0 && position - window + 1 > 0 ? position - window + 1 : 0;
}

__device__ __forceinline__ float attention_score(const AttentionOperands& o, float dot) {
  const float score = dot * o.scale;
  return o.softcap > 0 ? o.softcap * tanhf(score / o.softcap) : score;
}

// What a head's sink adds to the sum of weights exp(score - best); infinite where it outweighs every score.
__device__ __forceinline__ float sink_weight(const AttentionOperands& o, int32_t head, float best) {
  return o.sinks == nullptr ? 0.0f : expf(o.sinks[head] - best);
}

// A sum of weighted values over the sum of weights; 0 where nothing was visible. NaN stays NaN.
__device__ __forceinline__ float weighted_mean(float sum, float total) { return total == 0 ? 0.0f : sum / total; }

// The same of cached values.
__device__ __forceinline__ float weighted_mean(const AttentionOperands& o, float sum, float total) { return weighted_mean(sum, total) * o.value_scale; }

struct SequenceWork {
  int64_t seq;   // -1: none
  int64_t item;  // number of the item among those of the sequence
};

// Sum of `own` over this lane and those before it; called by whole warps.
template <class T>
__device__ __forceinline__ T warp_running_sum(T own) {
  const int lane = threadIdx.x & 31;
#pragma unroll
  for (int offset = 1; offset < 32; offset <<= 1) {
    const T before = __shfl_up_sync(kFullWarp, own, offset);
    if (lane >= offset) own += before;
  }
  return own;
}

// Item `item` of a list in which sequence s has items_of(s) of them; called by whole warps. PERF: a lane sums a strip of
// sequences, then the strip with the item is looked through: two trips to memory for a thousand sequences.
template <class ItemsOf>
__device__ __forceinline__ SequenceWork find_work(int64_t seqs, int64_t item, ItemsOf items_of) {
  const int lane = threadIdx.x & 31;
  for (int64_t base = 0; base < seqs; base += 1024) {
    const int64_t end = base + 1024 < seqs ? base + 1024 : seqs;
    const int strip = static_cast<int>((end - base + 31) / 32);
    int own = 0;
#pragma unroll 4
    for (int i = 0; i < strip; i++) own += base + lane * strip + i < end ? items_of(base + lane * strip + i) : 0;
    const int sum = warp_running_sum(own);
    const unsigned reached = __ballot_sync(kFullWarp, sum > item);
    if (reached == 0) {
      item -= __shfl_sync(kFullWarp, sum, 31);
      continue;
    }
    const int at = __ffs(static_cast<int>(reached)) - 1;
    item -= __shfl_sync(kFullWarp, sum - own, at);
    const int64_t first = base + at * strip;
    const int one = lane < strip && first + lane < end ? items_of(first + lane) : 0;
    const int running = warp_running_sum(one);
    const int found = __ffs(static_cast<int>(__ballot_sync(kFullWarp, running > item))) - 1;
    return SequenceWork{first + found, item - __shfl_sync(kFullWarp, running - one, found)};
  }
  return SequenceWork{-1, 0};
}

}  // namespace trtllm::cuda

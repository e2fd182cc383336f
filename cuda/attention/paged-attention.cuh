#pragma once
#include <cstdint>

// What the attention kernels share: the operands, and which sequence a token belongs to.
namespace trtllm::cuda {

struct AttentionOperands {
  const int32_t *seq_slot, *seq_start, *seq_context;
  int64_t tokens, seqs;
  int32_t heads, kv_heads, head_dim, window;  // window 0: all positions
  float scale, softcap;  // softcap 0: none
  int64_t q_stride, q_head, y_stride, y_head;
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

// A score under the soft cap.
__device__ __forceinline__ float capped(float score, float softcap) {
  return softcap > 0 ? softcap * tanhf(score / softcap) : score;
}

// First position that a query at `position` sees.
__host__ __device__ inline int64_t first_visible(int64_t position, int32_t window) {
  return window > 0 && position - window + 1 > 0 ? position - window + 1 : 0;
}

}  // namespace trtllm::cuda

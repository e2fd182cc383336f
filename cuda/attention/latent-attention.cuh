#pragma once
#include <trtllm/convert.cuh>
#include <trtllm/reduce.cuh>

#include <cstdint>

#include "paged-attention.cuh"

// What the kernels of multi-head latent attention share (DeepSeek-V2, arXiv 2405.04434). A cached token is (latent [rank],
// pe [rope_dim]). Head h has rows K_h [nope_dim, rank] and V_h [value_dim, rank] of the weight. Absorbed, a query of the head
// is (K_h^T q, q_pe), its key the whole cached vector, its value the latent; V_h then makes the head's result of the sum.
// Absorbed queries and sums are large: a long step goes slice by slice, tokens [first, first + tokens) of it at a time.
namespace trtllm::cuda {

struct LatentOperands {
  const int32_t *seq_slot, *seq_start, *seq_context;
  int64_t first, tokens, seqs;
  int32_t heads, nope_dim, rope_dim, rank, value_dim;
  float scale;
  int64_t q_stride, q_head, pe_stride, pe_head, y_stride, y_head, weight_stride;

  __host__ __device__ int32_t width() const { return rank + rope_dim; }
  // First row of a head in the weight: its keys, and nope_dim below them its values.
  __host__ __device__ int64_t weight_row(int32_t head) const { return static_cast<int64_t>(head) * (nope_dim + value_dim); }
};

// Calls run(slice) with the operands of each slice of up to `tokens` tokens.
template <class Run>
void each_latent_slice(const LatentOperands& o, int64_t tokens, Run run) {
  LatentOperands slice = o;
  for (slice.first = 0; slice.first < o.tokens; slice.first += tokens) {
    slice.tokens = o.tokens - slice.first < tokens ? o.tokens - slice.first : tokens;
    run(slice);
  }
}

// The queries that a sequence has in the slice.
struct LatentSpan {
  int32_t token, queries;  // the first, counted from the slice's; how many
  int32_t context;         // positions up to the last of them
};

__device__ __forceinline__ LatentSpan latent_span(const LatentOperands& o, int64_t seq) {
  const int32_t first = static_cast<int32_t>(o.first), slice_end = first + static_cast<int32_t>(o.tokens);
  const int32_t start = o.seq_start[seq], end = o.seq_start[seq + 1], later = end > slice_end ? end - slice_end : 0;
  const int32_t begin = start > first ? start : first, queries = end - later - begin;
  return LatentSpan{begin - first, queries > 0 ? queries : 0, o.seq_context[seq] - later};
}

}  // namespace trtllm::cuda

#pragma once
#include <trtllm/convert.cuh>
#include <trtllm/reduce.cuh>

#include <cstdint>

#include "paged-attention.cuh"

// What the kernels of multi-head latent attention share (DeepSeek-V2, arXiv 2405.04434). A cached token is (latent [rank],
// pe [rope_dim]). Head h has rows K_h [nope_dim, rank] and V_h [value_dim, rank] of the weight. Absorbed, a query of the head
// is (K_h^T q, q_pe), its key the whole cached vector, its value the latent; V_h then makes the head's result of the sum.
namespace trtllm::cuda {

struct LatentOperands {
  const int32_t *seq_slot, *seq_start, *seq_context;
  int64_t tokens, seqs;
  int32_t heads, nope_dim, rope_dim, rank, value_dim;
  float scale;
  int64_t q_stride, q_head, pe_stride, pe_head, y_stride, y_head, weight_stride;

  __host__ __device__ int32_t width() const { return rank + rope_dim; }
  // First row of a head in the weight: its keys, and nope_dim below them its values.
  __host__ __device__ int64_t weight_row(int32_t head) const { return static_cast<int64_t>(head) * (nope_dim + value_dim); }
};

}  // namespace trtllm::cuda

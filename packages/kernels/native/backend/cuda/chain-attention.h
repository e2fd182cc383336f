#pragma once
#include "../../generated/op-args.h"
#include "chain-plan.h"
#include "rotary-call.h"

// A write of k and v and the attention behind it as one link. `write` is the view of one of the ops that write.
namespace trtllm::cuda {

constexpr int64_t kChainPageTokens = 32;

inline bool are_heads_of_one(const TensorRef& t, int64_t head_dim) {
  return t.rank == 3 && t.shape[0] == 1 && t.shape[2] == head_dim && t.stride[2] == 1 && (t.shape[1] == 1 || t.stride[1] == head_dim);
}

template <class Write>
bool fits_attention_link(const Write& write, const TensorRef& q, const PagedAttentionArgs& read, DType dtype) {
  const int64_t dim = q.shape[2], heads = q.shape[1], kv_heads = write.k.shape[1];
  const TensorRef& cache = read.cache;
  const bool is_size = dim == 64 || dim == 128 || dim == 256;
  const bool same_cache = cache.data == write.cache.data && read.page_table.data == write.page_table.data;
  const bool are_floats = q.dtype == dtype && cache.dtype == dtype && read.y.dtype == dtype;  // a cache in f8 has scales
  const bool is_one = write.token_slot.shape[0] == 1 && read.seq_slot.shape[0] == 1;
  const bool are_pages = cache.shape[3] == kChainPageTokens && cache.shape[2] == kv_heads && cache.stride[4] == 1 && cache.stride[3] == dim;
  return is_size && same_cache && are_floats && is_one && are_pages && heads % kv_heads == 0 && are_heads_of_one(q, dim) &&
         are_heads_of_one(write.k, dim) && are_heads_of_one(write.v, dim) && are_heads_of_one(read.y, dim);
}

template <class Write>
void fill_attention_link(const Write& write, const PagedAttentionArgs& read, int blocks, AttentionLink* l) {
  l->token_slot = write.token_slot.template as<int32_t>(), l->position = write.positions.template as<int32_t>();
  l->seq_slot = read.seq_slot.as<int32_t>(), l->seq_start = read.seq_start.as<int32_t>(), l->seq_context = read.seq_context.as<int32_t>();
  l->table = read.page_table.as<int32_t>();
  l->slots = read.page_table.shape[0], l->columns = read.page_table.shape[1], l->table_stride = read.page_table.stride[0];
  l->cache = read.cache.data, l->num_pages = read.cache.shape[0];
  l->page_stride = read.cache.stride[0], l->part_stride = read.cache.stride[1], l->head_stride = read.cache.stride[2];
  l->sinks = read.sinks.present() ? read.sinks.as<float>() : nullptr;
  l->heads = static_cast<int32_t>(read.q.shape[1]), l->kv_heads = static_cast<int32_t>(write.k.shape[1]);
  l->parts = (l->heads / l->kv_heads + kPartHeads - 1) / kPartHeads;
  l->window = read.window, l->scale = read.scale, l->softcap = read.softcap;
  const int splits = blocks / (l->kv_heads * l->parts);
  l->max_splits = splits < 1 ? 1 : splits < kMaxSplits ? splits : kMaxSplits;
}

}  // namespace trtllm::cuda

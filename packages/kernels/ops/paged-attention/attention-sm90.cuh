#pragma once
#include <attention/paged-decode.sm90.cuh>
#include <attention/paged-prefill-f8.sm90.cuh>
#include <attention/paged-prefill.sm90.cuh>
#include <attention/tensor-maps.h>
#include <type_traits>

#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/paged-cache.cuh"
#include "../../native/backend/cuda/processor.cuh"
#include "../../native/generated/op-args.h"

// Launches of the sm_90a attention kernels. Built without that target they are never chosen.
namespace trtllm::cuda {

constexpr int64_t kCounterBytes = 256;  // of the workspace, before the pieces of split queries
constexpr int kDecodeWarps = 8;

template <class C>
int64_t cache_rows(const PagedCache<C>& pages, int64_t kv_heads) {
  return pages.num_pages * 2 * kv_heads * kPageTokens;
}

// The copy engine can read the cache as rows of head_dim elements.
template <class C>
bool suits_sm90(const AttentionOperands& o, const PagedCache<C>& pages) {
#ifdef TRTLLM_SM90A
  const int64_t dim = o.head_dim;
  const bool is_dense = pages.token_stride == dim && pages.head_stride == dim * kPageTokens &&
                        pages.part_stride == pages.head_stride * o.kv_heads && pages.page_stride == 2 * pages.part_stride;
  return processor().major == 9 && o.seqs <= 32 * kDecodeGroups && (dim == 64 || dim == 128 || dim == 256) && is_dense && is_aligned(pages.cache) &&
         cache_rows(pages, o.kv_heads) < INT32_MAX && tensor_map_encoder() != nullptr;
#else
  return false;
#endif
}

// q can be read by the copy engine and y written in packs.
inline bool packs_sm90(const AttentionOperands& o, const PagedAttentionArgs& args) {
  return o.heads / o.kv_heads <= kPrefillRows && o.q_stride % 8 == 0 && o.q_head % 8 == 0 && o.y_stride % 8 == 0 && o.y_head % 8 == 0 &&
         is_aligned(args.q.data) && is_aligned(args.y.data);
}

// The workspace holds the counter and `bytes` of pieces.
inline Status check_workspace(const LaunchContext& context, int64_t bytes) {
  if (context.workspace_bytes >= kCounterBytes + bytes) return Status();
  return Status::error(Code::internal, "paged-attention: %lld bytes of workspace; expected %lld", static_cast<long long>(context.workspace_bytes),
                       static_cast<long long>(kCounterBytes + bytes));
}

inline Status no_tensor_map() { return Status::error(Code::device, "paged-attention: the driver refuses to describe q or the cache to the copy engine"); }

// Rows of a piece of a split query.
inline int64_t piece_rows(int64_t heads, int64_t kv_heads) { return heads / kv_heads < kDecodeRows ? heads / kv_heads : kDecodeRows; }

// Of pieces of split queries, in the workspace.
inline int64_t decode_bytes_sm90(int64_t heads, int64_t kv_heads, int64_t head_dim) {
  return processor().major == 9 ? piece_bytes(processor().count, kDecodeWarps, piece_rows(heads, kv_heads), head_dim) : 0;
}

// Sequences of one query; all of them in a step that has no more tokens than sequences.
template <class T, class C, int kDim>
Status run_decode_sm90(const AttentionOperands& o, const PagedCache<C>& pages, const PagedAttentionArgs& args, LaunchContext& context) {
  using M = std::conditional_t<std::is_same_v<C, f8>, f16, T>;
  using Ring = DecodeRing<C, kDim, kDecodeWarps>;
  const auto kernel = paged_decode_kernel<T, M, C, PagedCache<C>, kDim, kDecodeWarps>;
  static const cudaError_t allowed = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Ring::kBytes);
  if (allowed != cudaSuccess) return launched("paged-attention");
  const int64_t blocks = processor().count, rows = piece_rows(o.heads, o.kv_heads);
  TRTLLM_TRY(check_workspace(context, decode_bytes_sm90(o.heads, o.kv_heads, kDim)));
  DecodeMap map{};
  map.rows = static_cast<int32_t>(cache_rows(pages, o.kv_heads));
  if (!make_cache_map(&map.cache, pages.cache, map.rows, kDim, sizeof(C))) return no_tensor_map();
  DecodeRest* rests = nullptr;
  const DecodePieces pieces = place_pieces(static_cast<char*>(context.workspace) + kCounterBytes, blocks, kDecodeWarps, rows, kDim, &rests);
  const DecodeWork work{o.tokens > o.seqs ? 1 : 0, o.kv_heads * decode_parts(o), kLeastStretch};
  kernel<<<static_cast<unsigned>(blocks), kDecodeWarps * 32, Ring::kBytes, stream_of(context)>>>(o, work, pages, map, pieces, rests, args.q.as<T>(),
                                                                                                args.y.as<T>());
  TRTLLM_TRY(launched("paged-attention"));
  paged_join_pieces_kernel<T, kDim><<<dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(rows)), kJoinWarps * 32, 0, stream_of(context)>>>(
      o, pieces, rests, static_cast<int32_t>(blocks), args.y.as<T>());
  return launched("paged-attention");
}

// Sequences of several queries. Blocks take items from the counter at the start of the workspace.
template <class T, class C, int kDim>
Status run_prefill_sm90(const AttentionOperands& o, const PagedCache<C>& pages, const PagedAttentionArgs& args, LaunchContext& context) {
  constexpr bool kIsF8 = std::is_same_v<C, f8>;
  const int64_t group = o.heads / o.kv_heads, queries = kPrefillRows / group;
  PrefillMaps maps{};
  maps.rows = static_cast<int32_t>(cache_rows(pages, o.kv_heads));
  if (!make_cache_map(&maps.cache, pages.cache, maps.rows, kDim, sizeof(C)) ||
      !make_query_map(&maps.q, args.q.data, o.tokens, o.heads, kDim, o.q_stride, o.q_head, group, queries)) {
    return no_tensor_map();
  }
  unsigned* counter = static_cast<unsigned*>(context.workspace);
  if (cudaMemsetAsync(counter, 0, sizeof(unsigned), stream_of(context)) != cudaSuccess) return launched("paged-attention");
  // A sequence of n queries has at most n / queries full tiles and one more.
  const int64_t items = (o.tokens / queries + (o.seqs < o.tokens ? o.seqs : o.tokens)) * o.kv_heads, blocks = processor().count;
  const unsigned grid = static_cast<unsigned>(items < blocks ? items : blocks);
  if constexpr (kIsF8) {
    const auto kernel = paged_prefill_f8_kernel<T, PagedCache<C>, kDim>;
    constexpr int kBytes = PrefillTileF8<kDim>::kBytes;
    static const cudaError_t allowed = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
    if (allowed != cudaSuccess) return launched("paged-attention");
    kernel<<<grid, kPrefillThreads, kBytes, stream_of(context)>>>(o, pages, maps, args.y.as<T>(), counter, 2);
  } else {
    const auto kernel = paged_prefill_kernel<T, PagedCache<C>, kDim>;
    constexpr int kBytes = PrefillTile<kDim>::kBytes;
    static const cudaError_t allowed = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
    if (allowed != cudaSuccess) return launched("paged-attention");
    kernel<<<grid, kPrefillThreads, kBytes, stream_of(context)>>>(o, pages, maps, args.y.as<T>(), counter, 2);
  }
  return launched("paged-attention");
}

}  // namespace trtllm::cuda

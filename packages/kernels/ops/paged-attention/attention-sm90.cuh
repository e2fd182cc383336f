#pragma once
#include <attention/paged-decode.sm90.cuh>
#include <attention/paged-prefill.sm90.cuh>
#include <attention/tensor-maps.h>
#include <type_traits>

#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/paged-cache.cuh"
#include "../../native/generated/op-args.h"

// Launches of the sm_90a attention kernels. Built without that target they are never chosen.
namespace trtllm::cuda {

constexpr int64_t kCounterBytes = 256;  // of the workspace, before the pieces of split queries

struct Processor {
  int major, count;  // compute capability, multiprocessors
};

inline Processor processor() {
  static const Processor it = [] {
    int device = 0;
    Processor p{};
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&p.major, cudaDevAttrComputeCapabilityMajor, device);
    cudaDeviceGetAttribute(&p.count, cudaDevAttrMultiProcessorCount, device);
    return p;
  }();
  return it;
}

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
  return processor().major == 9 && (dim == 64 || dim == 128 || dim == 256) && is_dense && is_aligned(pages.cache) &&
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

inline Status no_tensor_map() { return Status::error(Code::device, "paged-attention: the driver refuses to describe q or the cache to the copy engine"); }

template <class T, class C, int kDim>
Status run_decode_sm90(const AttentionOperands& o, const SplitPlan& plan, const PagedCache<C>& pages, const PagedAttentionArgs& args, cudaStream_t stream) {
  using M = std::conditional_t<std::is_same_v<C, f8>, f16, T>;
  using Ring = DecodeRing<C, kDim>;
  const auto kernel = paged_decode_kernel<T, M, C, PagedCache<C>, kDim>;
  static const cudaError_t allowed = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Ring::kBytes);
  if (allowed != cudaSuccess) return launched("paged-attention");
  DecodeMap map{};
  map.rows = static_cast<int32_t>(cache_rows(pages, o.kv_heads));
  if (!make_cache_map(&map.cache, pages.cache, map.rows, kDim, sizeof(C))) return no_tensor_map();
  const int64_t sides = o.kv_heads * ((o.heads / o.kv_heads + kSplitRows - 1) / kSplitRows);
  const int64_t items = plan.rows * plan.max_splits * sides, together = processor().count * Ring::kBlocksTogether;
  kernel<<<static_cast<unsigned>(items < together ? items : together), kDecodeThreads, Ring::kBytes, stream>>>(
      o, plan, pages, map, static_cast<int32_t>(sides), args.q.as<T>(), args.y.as<T>());
  return launched("paged-attention");
}

// Sequences of several queries. Blocks take items from the counter at the start of the workspace.
template <class T, class C, int kDim>
Status run_prefill_sm90(const AttentionOperands& o, const PagedCache<C>& pages, const PagedAttentionArgs& args, LaunchContext& context) {
  using Tile = PrefillTile<kDim>;
  const auto kernel = paged_prefill_kernel<T, PagedCache<C>, kDim>;
  static const cudaError_t allowed = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Tile::kBytes);
  if (allowed != cudaSuccess) return launched("paged-attention");
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
  kernel<<<static_cast<unsigned>(items < blocks ? items : blocks), kPrefillThreads, Tile::kBytes, stream_of(context)>>>(
      o, pages, maps, args.y.as<T>(), counter, 2);
  return launched("paged-attention");
}

}  // namespace trtllm::cuda

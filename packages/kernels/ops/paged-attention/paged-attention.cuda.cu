// y = causal softmax(scale * q k^T) v over the pages of each sequence. Kernels, chosen per call by sizes and types:
//   attention/paged-decode.sm90.cuh, paged-prefill.sm90.cuh   Hopper; f16 and bf16, head sizes 64 128 256: the rows that the
//   and paged-prefill-f8.sm90.cuh   next two would make; several queries of head size 256 over f8 pages are left to the next
//   attention/paged-tile.sm80.cuh   tensor cores; f16 and bf16, head sizes 64 80 96 112 128 256; sequences of several queries
//   attention/paged-split.sm80.cuh  tensor cores, keys split over blocks; f16 and bf16, head sizes that are multiples of 8;
//                                   sequences of one query, and all of a step that has no more tokens than sequences
//   attention/paged-rows.cuh        everything else: f32, other head sizes up to 256
#include <attention/paged-rows.cuh>
#include <attention/paged-split.sm80.cuh>
#include <attention/paged-tile.sm80.cuh>
#include <type_traits>

#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/paged-cache.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"
#include "attention-sm90.cuh"

namespace trtllm::cuda {

template <class T, int kSlices, class C>
static Status run_rows(const AttentionOperands& o, const PagedCache<C>& pages, const PagedAttentionArgs& args, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(o.tokens), static_cast<unsigned>(o.heads));
  paged_rows_kernel<T, PagedCache<C>, kSlices><<<grid, kRowWarps * 32, 0, stream>>>(o, pages, args.q.as<T>(), args.y.as<T>());
  return launched("paged-attention");
}

// Sequences of one query, or where there are no more tokens than sequences all of them; then what joins their pieces.
template <class T, int kDim, class C>
static Status run_splits(const AttentionOperands& o, const PagedCache<C>& pages, const PagedAttentionArgs& args, LaunchContext& context) {
  const bool singles = o.tokens > o.seqs;
  SplitPlan plan = split_plan(singles ? o.seqs : o.tokens, o.kv_heads, pages.columns);
  plan.singles = singles ? 1 : 0;
  TRTLLM_TRY(check_workspace(context, split_bytes(plan.rows, o.heads, o.kv_heads, o.head_dim)));
  place_pieces(plan, static_cast<char*>(context.workspace) + kCounterBytes, o.heads, o.head_dim);
  const int64_t sides = o.kv_heads * ((o.heads / o.kv_heads + kSplitRows - 1) / kSplitRows);
  const int64_t items = plan.rows * plan.max_splits, together = 2 * kSplitBlocks / sides + 1;
  const dim3 grid(static_cast<unsigned>(items < together ? items : together), static_cast<unsigned>(sides));
  paged_split_kernel<T, PagedCache<C>, kDim><<<grid, kSplitWarps * 32, 0, stream_of(context)>>>(o, plan, pages, args.q.as<T>(), args.y.as<T>());
  TRTLLM_TRY(launched("paged-attention"));
  if (plan.max_splits == 1) return Status();
  const dim3 joins(static_cast<unsigned>(plan.rows), static_cast<unsigned>(o.heads));
  paged_join_kernel<T><<<joins, 128, 0, stream_of(context)>>>(o, plan, args.y.as<T>());
  return launched("paged-attention");
}

template <class T, int kDim, class C>
static Status run_tiles(const AttentionOperands& o, const PagedCache<C>& pages, const PagedAttentionArgs& args, cudaStream_t stream) {
  const auto kernel = paged_tile_kernel<T, PagedCache<C>, kDim>;
  constexpr int kBytes = attention_tile_bytes<kDim>();
  if (kBytes > 48 * 1024 && cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes) != cudaSuccess) {
    return launched("paged-attention");
  }
  const int64_t queries = kAttentionRows / (o.heads / o.kv_heads);
  // A sequence of n queries has at most n / queries full tiles and one more.
  const int64_t tiles = o.tokens / queries + (o.seqs < o.tokens ? o.seqs : o.tokens);
  const dim3 grid(static_cast<unsigned>(tiles), static_cast<unsigned>(o.kv_heads));
  kernel<<<grid, 128, kBytes, stream>>>(o, pages, args.q.as<T>(), args.y.as<T>(), 2);
  return launched("paged-attention");
}

// Heads of q and tokens of the cache can be read in 16-byte packs.
static bool can_read_packs(const AttentionOperands& o, const PagedAttentionArgs& args) {
  const bool cache_packed = args.cache.stride[0] % 8 == 0 && args.cache.stride[1] % 8 == 0 && args.cache.stride[2] % 8 == 0 &&
                            args.cache.stride[3] % 8 == 0 && is_aligned(args.cache.data);
  return o.head_dim % 8 == 0 && o.q_head % 8 == 0 && rows_are_packed(args.q) && cache_packed;
}

static bool can_tile(const AttentionOperands& o) {
  const bool has_kernel = o.head_dim == 64 || o.head_dim == 80 || o.head_dim == 96 || o.head_dim == 112 ||
                          o.head_dim == 128 || o.head_dim == 256;
  return has_kernel && o.heads / o.kv_heads <= kAttentionRows;
}

template <class T, class C>
static Status run_tiles(const AttentionOperands& o, const PagedCache<C>& pages, const PagedAttentionArgs& args, cudaStream_t stream) {
  switch (o.head_dim) {
    case 64: return run_tiles<T, 64>(o, pages, args, stream);
    case 80: return run_tiles<T, 80>(o, pages, args, stream);
    case 96: return run_tiles<T, 96>(o, pages, args, stream);
    case 112: return run_tiles<T, 112>(o, pages, args, stream);
    case 128: return run_tiles<T, 128>(o, pages, args, stream);
    default: return run_tiles<T, 256>(o, pages, args, stream);
  }
}

template <class T, int kDim, class C>
static Status run_sm90(const AttentionOperands& o, const PagedCache<C>& pages, const PagedAttentionArgs& args, LaunchContext& context) {
  TRTLLM_TRY((run_decode_sm90<T, C, kDim>(o, pages, args, context)));
  if (o.tokens <= o.seqs) return Status();
  if constexpr (std::is_same_v<C, f8> && kDim > 128) {
    return run_tiles<T, kDim>(o, pages, args, stream_of(context));
  } else {
    return run_prefill_sm90<T, C, kDim>(o, pages, args, context);
  }
}

template <class T, class C>
static Status run_attention(const AttentionOperands& o, const PagedAttentionArgs& args, LaunchContext& context) {
  const auto pages = PagedCache<C>::of(args.page_table, args.cache);
  const cudaStream_t stream = stream_of(context);
  if constexpr (!std::is_same_v<T, float>) {
    const bool several = o.tokens > o.seqs;
    if (suits_sm90(o, pages) && packs_sm90(o, args) && (!several || std::is_same_v<T, C> || o.head_dim <= 128 || can_tile(o))) {
      return o.head_dim == 64    ? run_sm90<T, 64>(o, pages, args, context)
             : o.head_dim == 128 ? run_sm90<T, 128>(o, pages, args, context)
                                 : run_sm90<T, 256>(o, pages, args, context);
    }
    if (can_read_packs(o, args) && (!several || can_tile(o))) {
      TRTLLM_TRY((o.head_dim <= 64    ? run_splits<T, 64>(o, pages, args, context)
                  : o.head_dim <= 128 ? run_splits<T, 128>(o, pages, args, context)
                                      : run_splits<T, 256>(o, pages, args, context)));
      return several ? run_tiles<T>(o, pages, args, stream) : Status();
    }
  }
  if (o.head_dim <= 64) return run_rows<T, 2>(o, pages, args, stream);
  if (o.head_dim <= 128) return run_rows<T, 4>(o, pages, args, stream);
  return run_rows<T, 8>(o, pages, args, stream);
}

// A counter of work and the pieces of split queries.
static int64_t paged_attention_workspace(const OpCall& call) {
  const auto args = PagedAttentionArgs::from(call);
  const int64_t tokens = args.q.shape[0], seqs = args.seq_slot.shape[0], kv_heads = args.cache.shape[2];
  if (args.q.dtype == DType::f32 || kv_heads < 1) return 0;
  const int64_t splits = split_bytes(tokens < seqs ? tokens : seqs, args.q.shape[1], kv_heads, args.q.shape[2]);
  const int64_t pieces = decode_bytes_sm90(args.q.shape[1], kv_heads, args.q.shape[2]);
  return kCounterBytes + (splits > pieces ? splits : pieces);
}

static Status launch_paged_attention(const OpCall& call, LaunchContext& context) {
  const auto args = PagedAttentionArgs::from(call);
  const bool is_f8 = args.cache.dtype == DType::f8;
  const AttentionOperands o{args.seq_slot.as<int32_t>(),
                            args.seq_start.as<int32_t>(),
                            args.seq_context.as<int32_t>(),
                            args.q.shape[0],
                            args.seq_slot.shape[0],
                            static_cast<int32_t>(args.q.shape[1]),
                            static_cast<int32_t>(args.cache.shape[2]),
                            static_cast<int32_t>(args.q.shape[2]),
                            args.window,
                            is_f8 ? args.scale * args.key_scale : args.scale,
                            args.softcap,
                            args.q.stride[0],
                            args.q.stride[1],
                            args.y.stride[0],
                            args.y.stride[1],
                            args.sinks.present() ? args.sinks.as<float>() : nullptr,
                            is_f8 ? args.value_scale : 1.0f};
  if (o.kv_heads < 1 || o.heads % o.kv_heads != 0 || o.heads > 65535 || o.head_dim > kMaxHeadDim) {
    return Status::error(Code::unsupported,
                         "paged-attention: %d heads of size %d over %d kv heads; heads must be a multiple of kv heads, "
                         "head size at most %d",
                         o.heads, o.head_dim, o.kv_heads, kMaxHeadDim);
  }
  TRTLLM_TRY(check_cache("paged-attention", args.q, args.cache));
  if (o.tokens == 0) return Status();
  return by_cache("paged-attention", args.q, args.cache, [&](auto* rows, auto* elements) {
    return run_attention<std::remove_pointer_t<decltype(rows)>, std::remove_pointer_t<decltype(elements)>>(o, args, context);
  });
}

TRTLLM_CUDA_KERNELS(paged_attention, {"paged-attention", "paged-attention.cuda", 0, nullptr, paged_attention_workspace,
                                      launch_paged_attention})

}  // namespace trtllm::cuda

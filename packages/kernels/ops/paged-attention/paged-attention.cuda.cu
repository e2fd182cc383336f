// y = causal softmax(scale * q k^T) v over the pages of each sequence. Two kernels, chosen per call:
//   attention/paged-tile.sm80.cuh  tensor cores; f16 and bf16, head sizes 64 80 96 112 128 256, when some sequence has
//                                  several queries
//   attention/paged-rows.cuh       everything else: decode, f32, other head sizes up to 256
#include <attention/paged-rows.cuh>
#include <attention/paged-tile.sm80.cuh>
#include <type_traits>

#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/paged-cache.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

template <class T, int kSlices>
static Status run_rows(const AttentionOperands& o, const PagedCache<T>& pages, const PagedAttentionArgs& args, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(o.tokens), static_cast<unsigned>(o.heads));
  paged_rows_kernel<T, PagedCache<T>, kSlices><<<grid, kRowWarps * 32, 0, stream>>>(o, pages, args.q.as<T>(), args.y.as<T>());
  return launched("paged-attention");
}

template <class T, int kDim>
static Status run_tiles(const AttentionOperands& o, const PagedCache<T>& pages, const PagedAttentionArgs& args, cudaStream_t stream) {
  const auto kernel = paged_tile_kernel<T, PagedCache<T>, kDim>;
  constexpr int kBytes = attention_tile_bytes<kDim>();
  if (kBytes > 48 * 1024 && cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes) != cudaSuccess) {
    return launched("paged-attention");
  }
  const int64_t queries = kAttentionRows / (o.heads / o.kv_heads);
  // A sequence of n queries has at most n / queries full tiles and one more.
  const int64_t tiles = o.tokens / queries + (o.seqs < o.tokens ? o.seqs : o.tokens);
  const dim3 grid(static_cast<unsigned>(tiles), static_cast<unsigned>(o.kv_heads));
  kernel<<<grid, 128, kBytes, stream>>>(o, pages, args.q.as<T>(), args.y.as<T>());
  return launched("paged-attention");
}

static bool can_tile(const AttentionOperands& o, const PagedAttentionArgs& args) {
  const bool heads_packed = o.q_head % 8 == 0 && args.cache.stride[0] % 8 == 0 && args.cache.stride[1] % 8 == 0 &&
                            args.cache.stride[2] % 8 == 0 && args.cache.stride[3] % 8 == 0;
  return o.tokens > o.seqs && o.heads / o.kv_heads <= kAttentionRows && heads_packed && rows_are_packed(args.q) &&
         is_aligned(args.cache.data);
}

template <class T>
static Status run_attention(const AttentionOperands& o, const PagedAttentionArgs& args, cudaStream_t stream) {
  const auto pages = PagedCache<T>::of(args.page_table, args.cache);
  if constexpr (!std::is_same_v<T, float>) {
    if (can_tile(o, args)) {
      switch (o.head_dim) {
        case 64: return run_tiles<T, 64>(o, pages, args, stream);
        case 80: return run_tiles<T, 80>(o, pages, args, stream);
        case 96: return run_tiles<T, 96>(o, pages, args, stream);
        case 112: return run_tiles<T, 112>(o, pages, args, stream);
        case 128: return run_tiles<T, 128>(o, pages, args, stream);
        case 256: return run_tiles<T, 256>(o, pages, args, stream);
        default: break;
      }
    }
  }
  if (o.head_dim <= 64) return run_rows<T, 2>(o, pages, args, stream);
  if (o.head_dim <= 128) return run_rows<T, 4>(o, pages, args, stream);
  return run_rows<T, 8>(o, pages, args, stream);
}

static Status launch_paged_attention(const OpCall& call, LaunchContext& context) {
  const auto args = PagedAttentionArgs::from(call);
  const AttentionOperands o{args.seq_slot.as<int32_t>(),
                            args.seq_start.as<int32_t>(),
                            args.seq_context.as<int32_t>(),
                            args.q.shape[0],
                            args.seq_slot.shape[0],
                            static_cast<int32_t>(args.q.shape[1]),
                            static_cast<int32_t>(args.cache.shape[2]),
                            static_cast<int32_t>(args.q.shape[2]),
                            args.window,
                            args.scale,
                            args.softcap,
                            args.q.stride[0],
                            args.q.stride[1],
                            args.y.stride[0],
                            args.y.stride[1]};
  if (o.kv_heads < 1 || o.heads % o.kv_heads != 0 || o.heads > 65535 || o.head_dim > kMaxHeadDim) {
    return Status::error(Code::unsupported,
                         "paged-attention: %d heads of size %d over %d kv heads; heads must be a multiple of kv heads, "
                         "head size at most %d",
                         o.heads, o.head_dim, o.kv_heads, kMaxHeadDim);
  }
  if (args.cache.dtype != args.q.dtype) {
    return Status::error(Code::unsupported, "paged-attention: q is %s, the cache %s; they must agree",
                         dtype_name(args.q.dtype), dtype_name(args.cache.dtype));
  }
  if (o.tokens == 0) return Status();
  return by_float("paged-attention", args.q.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    return run_attention<T>(o, args, stream_of(context));
  });
}

TRTLLM_CUDA_KERNELS(paged_attention, {"paged-attention", "paged-attention.cuda", 0, nullptr, nullptr, launch_paged_attention})

}  // namespace trtllm::cuda

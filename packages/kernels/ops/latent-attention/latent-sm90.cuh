#pragma once
#include <attention/latent-launch.sm90.cuh>
#include <attention/latent-products.sm80.cuh>
#include <initializer_list>
#include <limits>

#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/paged-cache.cuh"
#include "../../native/backend/cuda/processor.cuh"
#include "../../native/generated/op-args.h"

// Latent attention by the kernels of sm_90a. Built without that target they are never chosen.
namespace trtllm::cuda {

constexpr int64_t kLatentSliceRows = 65536;  // (token, head) pairs at a time: 2 kilobytes each of queries and sums

inline int64_t latent_slice_tokens(const LatentOperands& o) {
  const int64_t most = o.heads < kLatentSliceRows ? kLatentSliceRows / o.heads : 1;
  return o.tokens < most ? o.tokens : most;
}

// Bytes of the queries and sums of a slice; pieces follow them.
inline int64_t latent_slice_bytes(const LatentOperands& o) {
  return latent_slice_tokens(o) * o.heads * (kLatentWidth + kLatentRank) * 2;
}

inline int64_t latent_sm90_bytes(const LatentOperands& o) { return latent_slice_bytes(o) + latent_room_bytes(processor().count); }

// By shapes and strides, which are known before there are pointers.
inline bool suits_latent_sm90(const LatentOperands& o, const LatentAttentionArgs& args) {
#ifdef TRTLLM_SM90A
  const TensorRef& cache = args.cache;
  const auto in_packs = [](std::initializer_list<int64_t> sizes) {
    for (const int64_t size : sizes) {
      if (size % 8 != 0) return false;
    }
    return true;
  };
  const bool is_dense = cache.stride[2] == 1 && cache.stride[1] == kLatentWidth && cache.stride[0] == kPageTokens * kLatentWidth;
  return processor().major == 9 && tensor_map_encoder() != nullptr && args.q.dtype != DType::f32 && args.q.dtype == args.weight.dtype &&
         args.q.dtype == cache.dtype && o.rank == kLatentRank && o.width() == kLatentWidth && is_dense &&
         cache.shape[0] < std::numeric_limits<int32_t>::max() / kPageTokens &&
         in_packs({o.nope_dim, o.value_dim, o.q_stride, o.q_head, o.pe_stride, o.pe_head, o.y_stride, o.y_head, o.weight_stride});
#else
  return false;
#endif
}

inline bool are_aligned(const LatentAttentionArgs& args) {
  return is_aligned(args.q.data) && is_aligned(args.q_pe.data) && is_aligned(args.weight.data) && is_aligned(args.cache.data) &&
         is_aligned(args.y.data);
}

inline Status latent_status(cudaError_t error) {
  if (error == cudaSuccess) return Status();
  if (error == cudaErrorInvalidValue) {
    return Status::error(Code::device, "latent-attention: the driver refuses to describe the queries or the cache to the copy engine");
  }
  return Status::error(Code::device, "latent-attention: %s (%s)", cudaGetErrorString(error), cudaGetErrorName(error));
}

// Sequences of one query by themselves where others have several: the rows of either are taken together as suits them.
template <class T>
Status attend_latent_sm90(const LatentOperands& slice, int64_t step_tokens, const PagedCache<T>& pages, const LatentRoom<T>& room,
                          cudaStream_t stream) {
  constexpr int32_t kAny = std::numeric_limits<int32_t>::max();
  const auto attend = [&](int64_t rows, int32_t least, int32_t most) {
    return latent_status(attend_latents(slice, pages, room, latent_rows_together(rows), least, most, processor().count, stream));
  };
  if (step_tokens <= slice.seqs || slice.seqs == 0) return attend(slice.heads, 1, kAny);
  if (slice.seqs > 1) TRTLLM_TRY(attend(slice.heads, 1, 1));
  return attend(step_tokens * slice.heads / slice.seqs, slice.seqs > 1 ? 2 : 1, kAny);
}

template <class T>
Status run_latent_sm90(const LatentOperands& o, const LatentAttentionArgs& args, LaunchContext& context) {
  const auto pages = PagedCache<T>::of_latent(args.page_table, args.cache);
  const cudaStream_t stream = stream_of(context);
  const int64_t tokens = latent_slice_tokens(o);
  T* queries = static_cast<T*>(context.workspace);
  const LatentRoom<T> room{queries, queries + tokens * o.heads * kLatentWidth, static_cast<char*>(context.workspace) + latent_slice_bytes(o)};
  const auto blocks = [&](const LatentOperands& slice, int64_t columns) {
    return dim3(static_cast<unsigned>((columns + kProductColumns - 1) / kProductColumns), static_cast<unsigned>(o.heads),
                static_cast<unsigned>((slice.tokens + kProductTokens - 1) / kProductTokens));
  };
  Status status;
  each_latent_slice(o, tokens, [&](const LatentOperands& slice) {
    if (!status.ok()) return;
    latent_absorb_tile_kernel<T><<<blocks(slice, o.rank), kProductThreads, 0, stream>>>(slice, args.q.as<T>(), args.q_pe.as<T>(), args.weight.as<T>(), queries);
    status = attend_latent_sm90(slice, o.tokens, pages, room, stream);
    if (!status.ok()) return;
    latent_values_tile_kernel<T><<<blocks(slice, o.value_dim), kProductThreads, 0, stream>>>(slice, args.weight.as<T>(), room.sums, args.y.as<T>());
    status = launched("latent-attention");
  });
  return status;
}

}  // namespace trtllm::cuda

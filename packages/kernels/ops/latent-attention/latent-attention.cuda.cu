// y = softmax(scale * (q K latent + q_pe pe)) V latent over the latent pages of each sequence, K and V of each head from the
// rows of the weight. Kernels, chosen per call by sizes and types:
//   attention/latent-decode.sm90.cuh, latent-stream.sm90.cuh   Hopper; f16 and bf16, rank 512 and pe of 64, between the
//                                   products of latent-products.sm80.cuh
//   attention/latent-rows.cuh       everything else, and deterministic plans
#include <attention/latent-rows.cuh>
#include <type_traits>

#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/paged-cache.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"
#include "latent-sm90.cuh"

namespace trtllm::cuda {

// Tokens that the plain kernels take at a time: their f32 rows are hundreds of kilobytes a token.
constexpr int64_t kLatentSlice = 256;

static LatentOperands operands_of(const LatentAttentionArgs& args) {
  return LatentOperands{args.seq_slot.as<int32_t>(),
                        args.seq_start.as<int32_t>(),
                        args.seq_context.as<int32_t>(),
                        0,
                        args.q.shape[0],
                        args.seq_slot.shape[0],
                        static_cast<int32_t>(args.q.shape[1]),
                        static_cast<int32_t>(args.q.shape[2]),
                        static_cast<int32_t>(args.q_pe.shape[2]),
                        static_cast<int32_t>(args.weight.shape[1]),
                        static_cast<int32_t>(args.y.shape[2]),
                        args.scale,
                        args.q.stride[0],
                        args.q.stride[1],
                        args.q_pe.stride[0],
                        args.q_pe.stride[1],
                        args.y.stride[0],
                        args.y.stride[1],
                        args.weight.stride[0]};
}

template <class T>
static Status run_rows(const LatentOperands& o, const LatentAttentionArgs& args, LaunchContext& context) {
  const auto pages = PagedCache<T>::of_latent(args.page_table, args.cache);
  const cudaStream_t stream = stream_of(context);
  float* queries = static_cast<float*>(context.workspace);
  float* sums = queries + kLatentSlice * o.heads * o.width();
  const auto attend = o.width() <= 192   ? latent_rows_kernel<T, PagedCache<T>, 6>
                      : o.width() <= 576 ? latent_rows_kernel<T, PagedCache<T>, 18>
                                         : latent_rows_kernel<T, PagedCache<T>, 32>;
  each_latent_slice(o, kLatentSlice, [&](const LatentOperands& slice) {
    const dim3 pieces(static_cast<unsigned>(o.heads), static_cast<unsigned>((slice.tokens + kLatentTokens - 1) / kLatentTokens));
    latent_absorb_kernel<T><<<pieces, kLatentThreads, static_cast<size_t>(kLatentTokens * o.nope_dim) * 4, stream>>>(
        slice, args.q.as<T>(), args.q_pe.as<T>(), args.weight.as<T>(), queries);
    const dim3 rows(static_cast<unsigned>(slice.tokens), static_cast<unsigned>(o.heads));
    attend<<<rows, kLatentThreads, 0, stream>>>(slice, pages, queries, sums);
    latent_values_kernel<T><<<pieces, kLatentThreads, static_cast<size_t>(kLatentTokens * o.rank) * 4, stream>>>(slice, args.weight.as<T>(), sums,
                                                                                                                args.y.as<T>());
  });
  return launched("latent-attention");
}

static int64_t latent_attention_workspace(const OpCall& call) {
  const LatentOperands o = operands_of(LatentAttentionArgs::from(call));
  return kLatentSlice * o.heads * (o.width() + o.rank) * 4;
}

static Status check_latent_call(const LatentOperands& o, const LatentAttentionArgs& args) {
  if (args.weight.dtype != args.q.dtype || args.weight.shape[0] != o.weight_row(o.heads) || o.heads > 65535 ||
      o.width() > kMaxLatentWidth || o.nope_dim > kMaxLatentWidth) {
    return Status::error(Code::unsupported,
                         "latent-attention: %d heads of %d + %d elements, values of %d, a %s weight of %lld rows of %d for %s "
                         "q; types must agree, rows be heads * (nope + value), rank + rope and nope at most %d",
                         o.heads, o.nope_dim, o.rope_dim, o.value_dim, dtype_name(args.weight.dtype),
                         static_cast<long long>(args.weight.shape[0]), o.rank, dtype_name(args.q.dtype), kMaxLatentWidth);
  }
  return check_latent_cache("latent-attention", args.q, o.width(), args.cache);
}

static Status launch_latent_attention(const OpCall& call, LaunchContext& context) {
  const auto args = LatentAttentionArgs::from(call);
  const LatentOperands o = operands_of(args);
  TRTLLM_TRY(check_latent_call(o, args));
  if (o.tokens == 0) return Status();
  return by_float("latent-attention", args.q.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    return run_rows<T>(o, args, context);
  });
}

static bool supports_sm90(const OpCall& call) {
  const auto args = LatentAttentionArgs::from(call);
  return suits_latent_sm90(operands_of(args), args);
}

static int64_t sm90_workspace(const OpCall& call) {
  const int64_t bytes = latent_sm90_bytes(operands_of(LatentAttentionArgs::from(call))), plain = latent_attention_workspace(call);
  return bytes > plain ? bytes : plain;
}

// Operands in odd places are left to the plain kernels.
static Status launch_sm90(const OpCall& call, LaunchContext& context) {
  const auto args = LatentAttentionArgs::from(call);
  const LatentOperands o = operands_of(args);
  if (!are_aligned(args)) return launch_latent_attention(call, context);
  TRTLLM_TRY(check_latent_call(o, args));
  if (o.tokens == 0) return Status();
  return args.q.dtype == DType::f16 ? run_latent_sm90<f16>(o, args, context) : run_latent_sm90<bf16>(o, args, context);
}

TRTLLM_CUDA_KERNELS(latent_attention,
                    {"latent-attention", "latent-attention.cuda", 0, nullptr, latent_attention_workspace, launch_latent_attention, RowBits::fixed},
                    {"latent-attention", "latent-attention.sm90", 1, supports_sm90, sm90_workspace, launch_sm90})

}  // namespace trtllm::cuda

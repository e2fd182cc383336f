// q_pe_out = rope(q_pe); cache = (latent / sqrt(mean(latent^2) + eps) * weight, rope(pe)) at the token's page. One block a
// token: cosine[half], sine[half] in shared memory, then threads stride over the units of the heads, of pe, and the latent,
// whose second reading comes from L1. A token without a page writes no key. Sums in f32, one rounding.
#include "../../native/backend/cuda/paged-cache.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/rms.cuh"
#include "../../native/backend/cuda/rotary.cuh"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

struct LatentRowStrides {
  int64_t q, q_head, q_out, q_out_head, latent, pe;
};

template <class T>
__global__ void __launch_bounds__(512) norm_rope_latent_write_kernel(RotaryStep step, LatentRowStrides strides, const T* q, T* q_out,
                                                                     const T* latent, const T* pe, const float* weight,
                                                                     const int32_t* slot, PagedCache<T> pages, int64_t tokens,
                                                                     int32_t heads, int32_t rank, int32_t rope_dim, float eps) {
  __shared__ float cosine[kMaxRotaryHalf], sine[kMaxRotaryHalf];
  const int32_t units = rope_dim - step.half;
  for (int64_t t = blockIdx.x; t < tokens; t += gridDim.x) {
    __syncthreads();
    rotary_table(step, t, cosine, sine);
    __syncthreads();
    for (int32_t i = threadIdx.x; i < heads * units; i += blockDim.x) {
      const int32_t head = i / units;
      rotate_unit<T>(step, q + t * strides.q + head * strides.q_head, q_out + t * strides.q_out + head * strides.q_out_head,
                     i - head * units, cosine, sine);
    }
    T* to = pages.at(slot[t], step.positions[t], 0, 0);
    if (to == nullptr) continue;  // the whole block
    for (int32_t i = threadIdx.x; i < units; i += blockDim.x) rotate_unit<T>(step, pe + t * strides.pe, to + rank, i, cosine, sine);
    const T* row = latent + t * strides.latent;
    float squares = 0;
    for (int32_t i = threadIdx.x; i < rank; i += blockDim.x) squares = fmaf(to_f32(row[i]), to_f32(row[i]), squares);
    const float scale = 1.0f / sqrtf(block_reduce(squares, Sum()) / static_cast<float>(rank) + eps);
    for (int32_t i = threadIdx.x; i < rank; i += blockDim.x) to[i] = from_f32<T>(to_f32(row[i]) * scale * weight[i]);
  }
}

static Status launch_norm_rope_latent_write(const OpCall& call, LaunchContext& context) {
  const auto o = NormRopeLatentWriteArgs::from(call);
  const int64_t tokens = o.latent.shape[0], rank = o.latent.shape[1], rope_dim = o.pe.shape[2];
  TRTLLM_TRY(check_latent_cache("norm-rope-latent-write", o.latent, rank + rope_dim, o.cache));
  RotaryStep step;
  TRTLLM_TRY(rotary_step("norm-rope-latent-write", o, rope_dim, &step));
  if (tokens == 0) return Status();
  const LatentRowStrides strides{o.q_pe.stride[0],     o.q_pe.stride[1],   o.q_pe_out.stride[0],
                                 o.q_pe_out.stride[1], o.latent.stride[0], o.pe.stride[0]};
  return by_float("norm-rope-latent-write", o.latent.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    // PERF: as in rope-kv-write, few blocks get more threads.
    const unsigned threads = tokens <= 512 ? 512 : 128;
    norm_rope_latent_write_kernel<T><<<grid_of(tokens), threads, 0, stream_of(context)>>>(
        step, strides, o.q_pe.as<T>(), o.q_pe_out.as<T>(), o.latent.as<T>(), o.pe.as<T>(), o.weight.as<float>(),
        o.token_slot.as<int32_t>(), PagedCache<T>::of_latent(o.page_table, o.cache), tokens, static_cast<int32_t>(o.q_pe.shape[1]),
        static_cast<int32_t>(rank), static_cast<int32_t>(rope_dim), o.eps);
    return launched("norm-rope-latent-write");
  });
}

TRTLLM_CUDA_KERNELS(norm_rope_latent_write, {"norm-rope-latent-write", "norm-rope-latent-write.cuda", 0, nullptr, nullptr,
                                             launch_norm_rope_latent_write, RowBits::fixed})

}  // namespace trtllm::cuda

// cache[page(slot, p), p % pageTokens] = (latent, pe). One block a token, threads stride its width. A token without a page is
// skipped.
#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/paged-cache.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

template <class T>
__global__ void __launch_bounds__(128) latent_write_kernel(const T* latent, const T* pe, const int32_t* slot, const int32_t* positions,
                                                           PagedCache<T> pages, int64_t tokens, int32_t rank, int32_t rope_dim,
                                                           int64_t latent_stride, int64_t pe_stride) {
  for (int64_t t = blockIdx.x; t < tokens; t += gridDim.x) {
    T* to = pages.at(slot[t], positions[t], 0, 0);
    if (to == nullptr) continue;
    for (int32_t i = threadIdx.x; i < rank + rope_dim; i += blockDim.x) {
      to[i] = i < rank ? latent[t * latent_stride + i] : pe[t * pe_stride + i - rank];
    }
  }
}

static Status launch_latent_write(const OpCall& call, LaunchContext& context) {
  const auto o = LatentWriteArgs::from(call);
  const int64_t tokens = o.latent.shape[0], rank = o.latent.shape[1], rope_dim = o.pe.shape[2];
  TRTLLM_TRY(check_latent_cache("latent-write", o.latent, rank + rope_dim, o.cache));
  if (tokens == 0) return Status();
  return by_float("latent-write", o.cache.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    latent_write_kernel<T><<<grid_of(tokens), 128, 0, stream_of(context)>>>(
        o.latent.as<T>(), o.pe.as<T>(), o.token_slot.as<int32_t>(), o.positions.as<int32_t>(),
        PagedCache<T>::of_latent(o.page_table, o.cache), tokens, static_cast<int32_t>(rank), static_cast<int32_t>(rope_dim),
        o.latent.stride[0], o.pe.stride[0]);
    return launched("latent-write");
  });
}

TRTLLM_CUDA_KERNELS(latent_write, {"latent-write", "latent-write.cuda", 0, nullptr, nullptr, launch_latent_write, RowBits::fixed})

}  // namespace trtllm::cuda

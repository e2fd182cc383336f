// cache[page(slot, p), part, head, p % pageTokens] = k or v, as the cache keeps them. One block a token, threads stride its
// kvHeads * headDim elements. A token without a page is skipped.
#include "../../native/backend/cuda/paged-cache.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

struct KvStrides {
  int64_t k_token, k_head, v_token, v_head;
};

template <class T, class C>
__global__ void __launch_bounds__(128) kv_write_kernel(const T* k, const T* v, const int32_t* slot, const int32_t* positions,
                                                       PagedCache<C> pages, int64_t tokens, int32_t heads, int32_t dim,
                                                       KvStrides stride, float key_inverse, float value_inverse) {
  for (int64_t t = blockIdx.x; t < tokens; t += gridDim.x) {
    C* key = pages.at(slot[t], positions[t], 0, 0);
    if (key == nullptr) continue;
    for (int32_t i = threadIdx.x; i < heads * dim; i += blockDim.x) {
      const int32_t head = i / dim, at = i - head * dim;
      C* to = key + head * pages.head_stride + at;
      to[0] = kept<C>(k[t * stride.k_token + head * stride.k_head + at], key_inverse);
      to[pages.part_stride] = kept<C>(v[t * stride.v_token + head * stride.v_head + at], value_inverse);
    }
  }
}

static Status launch_kv_write(const OpCall& call, LaunchContext& context) {
  const auto o = KvWriteArgs::from(call);
  const int64_t tokens = o.k.shape[0];
  TRTLLM_TRY(check_cache("kv-write", o.k, o.cache));
  TRTLLM_TRY(check_cache("kv-write", o.v, o.cache));
  if (tokens == 0) return Status();
  return by_cache("kv-write", o.k, o.cache, [&](auto* rows, auto* elements) {
    using T = std::remove_pointer_t<decltype(rows)>;
    using C = std::remove_pointer_t<decltype(elements)>;
    kv_write_kernel<T, C><<<grid_of(tokens), 128, 0, stream_of(context)>>>(
        o.k.as<T>(), o.v.as<T>(), o.token_slot.as<int32_t>(), o.positions.as<int32_t>(),
        PagedCache<C>::of(o.page_table, o.cache), tokens, static_cast<int32_t>(o.k.shape[1]),
        static_cast<int32_t>(o.k.shape[2]), KvStrides{o.k.stride[0], o.k.stride[1], o.v.stride[0], o.v.stride[1]},
        1.0f / o.key_scale, 1.0f / o.value_scale);
    return launched("kv-write");
  });
}

TRTLLM_CUDA_KERNELS(kv_write, {"kv-write", "kv-write.cuda", 0, nullptr, nullptr, launch_kv_write, RowBits::fixed})

}  // namespace trtllm::cuda

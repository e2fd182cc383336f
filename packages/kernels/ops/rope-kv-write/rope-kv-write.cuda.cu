// q_out = rope(q); cache = rope(k) and v at the token's page, as the cache keeps them. The rotations of rope and the writes
// of kv-write in one pass. One block a token: cosine[half], sine[half] in shared memory, then threads stride over the q heads' units, the k
// heads' units and the elements of v. A token without a page writes no keys.
#include "../../native/backend/cuda/paged-cache.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/rotary.cuh"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

template <class T>
struct Heads {
  T* data;
  int64_t token_stride, head_stride;

  static Heads of(const TensorRef& t) { return Heads{t.as<T>(), t.stride[0], t.stride[1]}; }
  __device__ __forceinline__ T* at(int64_t token, int32_t head) const {
    return data + token * token_stride + head * head_stride;
  }
};

template <class T, class C>
__global__ void __launch_bounds__(512) rope_kv_write_kernel(RotaryStep step, Heads<T> q, Heads<T> k, Heads<T> v, Heads<T> q_out,
                                                            const int32_t* slot, PagedCache<C> pages, int64_t tokens,
                                                            int32_t heads, int32_t kv_heads, int32_t dim, float key_inverse,
                                                            float value_inverse) {
  __shared__ float cosine[kMaxRotaryHalf], sine[kMaxRotaryHalf];
  const int32_t units = dim - step.half;
  for (int64_t t = blockIdx.x; t < tokens; t += gridDim.x) {
    __syncthreads();
    rotary_table(step, t, cosine, sine);
    __syncthreads();
    for (int32_t i = threadIdx.x; i < heads * units; i += blockDim.x) {
      const int32_t head = i / units;
      rotate_unit<T>(step, q.at(t, head), q_out.at(t, head), i - head * units, cosine, sine);
    }
    C* key = pages.at(slot[t], step.positions[t], 0, 0);
    if (key == nullptr) continue;
    for (int32_t i = threadIdx.x; i < kv_heads * units; i += blockDim.x) {
      const int32_t head = i / units;
      C* to = key + head * pages.head_stride;
      rotate_unit(step, k.at(t, head), i - head * units, cosine, sine, [&](int32_t at, T value) { to[at] = kept<C>(value, key_inverse); });
    }
    for (int32_t i = threadIdx.x; i < kv_heads * dim; i += blockDim.x) {
      const int32_t head = i / dim, at = i - head * dim;
      key[pages.part_stride + head * pages.head_stride + at] = kept<C>(v.at(t, head)[at], value_inverse);
    }
  }
}

static Status launch_rope_kv_write(const OpCall& call, LaunchContext& context) {
  const auto o = RopeKvWriteArgs::from(call);
  const int64_t tokens = o.q.shape[0];
  for (const TensorRef& rows : {o.q, o.k, o.v}) TRTLLM_TRY(check_cache("rope-kv-write", rows, o.cache));
  RotaryStep step;
  TRTLLM_TRY(rotary_step("rope-kv-write", o, o.q.shape[2], &step));
  if (tokens == 0) return Status();
  return by_cache("rope-kv-write", o.q, o.cache, [&](auto* rows, auto* elements) {
    using T = std::remove_pointer_t<decltype(rows)>;
    using C = std::remove_pointer_t<decltype(elements)>;
    // PERF: few blocks do not fill the GPU; then more threads share a token (17 us for one token with 128).
    const unsigned threads = tokens <= 512 ? 512 : 128;
    rope_kv_write_kernel<T, C><<<grid_of(tokens), threads, 0, stream_of(context)>>>(
        step, Heads<T>::of(o.q), Heads<T>::of(o.k), Heads<T>::of(o.v), Heads<T>::of(o.q_out), o.token_slot.as<int32_t>(),
        PagedCache<C>::of(o.page_table, o.cache), tokens, static_cast<int32_t>(o.q.shape[1]),
        static_cast<int32_t>(o.k.shape[1]), static_cast<int32_t>(o.q.shape[2]), 1.0f / o.key_scale, 1.0f / o.value_scale);
    return launched("rope-kv-write");
  });
}

TRTLLM_CUDA_KERNELS(rope_kv_write, {"rope-kv-write", "rope-kv-write.cuda", 0, nullptr, nullptr, launch_rope_kv_write, RowBits::fixed})

}  // namespace trtllm::cuda

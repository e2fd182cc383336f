// q_out = rope(norm(q)); cache = rope(norm(k)) and v at the token's page, as the cache keeps them, norm = x / sqrt(mean(x^2) +
// eps) * weight by head, rounded before it rotates: fused and unfused plans round alike. One block a token; a warp owns a
// head at a time: a lane sums elements lane, lane + 32, ..., the normed head waits in shared memory, and the lanes stride
// over its pairs.
// Shared memory: cosine[half], sine[half], one head a warp (8 KB at most). A token without a page writes no keys.
#include <trtllm/reduce.cuh>

#include "../../native/backend/cuda/paged-cache.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/rotary.cuh"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

constexpr int kNormWarps = 4, kMaxNormedDim = 512;

template <class T>
struct HeadRows {
  T* data;
  int64_t token_stride, head_stride;

  static HeadRows of(const TensorRef& t) { return HeadRows{t.as<T>(), t.stride[0], t.stride[1]}; }
  __device__ __forceinline__ T* at(int64_t token, int32_t head) const {
    return data + token * token_stride + head * head_stride;
  }
};

template <class T>
struct NormRopeOperands {
  HeadRows<T> q, k, v, q_out;
  const float *q_weight, *k_weight;
  const int32_t* slot;
  int64_t tokens;
  int32_t heads, kv_heads, dim;
  float eps, key_inverse, value_inverse;
};

// Called by one whole warp.
template <class T>
__device__ __forceinline__ void norm_head(const T* x, const float* weight, T* normed, int32_t dim, float eps) {
  const int lane = threadIdx.x & 31;
  float squares = 0;
  for (int32_t i = lane; i < dim; i += 32) squares = fmaf(to_f32(x[i]), to_f32(x[i]), squares);
  const float scale = 1.0f / sqrtf(warp_reduce(squares, Sum()) / static_cast<float>(dim) + eps);
  __syncwarp();  // the head before it has been read
  for (int32_t i = lane; i < dim; i += 32) normed[i] = from_f32<T>(to_f32(x[i]) * scale * weight[i]);
  __syncwarp();
}

template <class T, class C>
__global__ void __launch_bounds__(kNormWarps * 32) norm_rope_kv_write_kernel(RotaryStep step, NormRopeOperands<T> o, PagedCache<C> pages) {
  __shared__ float cosine[kMaxRotaryHalf], sine[kMaxRotaryHalf];
  __shared__ T heads[kNormWarps][kMaxNormedDim];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int32_t units = o.dim - step.half;
  T* normed = heads[warp];
  for (int64_t t = blockIdx.x; t < o.tokens; t += gridDim.x) {
    __syncthreads();
    rotary_table(step, t, cosine, sine);
    __syncthreads();
    C* key = pages.at(o.slot[t], step.positions[t], 0, 0);
    const int32_t count = o.heads + (key == nullptr ? 0 : o.kv_heads);
    for (int32_t head = warp; head < count; head += kNormWarps) {
      const bool is_query = head < o.heads;
      const int32_t kv_head = head - o.heads;
      norm_head(is_query ? o.q.at(t, head) : o.k.at(t, kv_head), is_query ? o.q_weight : o.k_weight, normed, o.dim, o.eps);
      const auto rotate_into = [&](auto put) {
        for (int32_t i = lane; i < units; i += 32) rotate_unit(step, normed, i, cosine, sine, put);
      };
      if (is_query) {
        T* to = o.q_out.at(t, head);
        rotate_into([&](int32_t at, T value) { to[at] = value; });
      } else {
        C* to = key + kv_head * pages.head_stride;
        rotate_into([&](int32_t at, T value) { to[at] = kept<C>(value, o.key_inverse); });
      }
    }
    if (key == nullptr) continue;
    for (int32_t i = threadIdx.x; i < o.kv_heads * o.dim; i += blockDim.x) {
      const int32_t head = i / o.dim, at = i - head * o.dim;
      key[pages.part_stride + head * pages.head_stride + at] = kept<C>(o.v.at(t, head)[at], o.value_inverse);
    }
  }
}

static Status launch_norm_rope_kv_write(const OpCall& call, LaunchContext& context) {
  const auto o = NormRopeKvWriteArgs::from(call);
  const int64_t tokens = o.q.shape[0], dim = o.q.shape[2];
  for (const TensorRef& rows : {o.q, o.k, o.v}) TRTLLM_TRY(check_cache("norm-rope-kv-write", rows, o.cache));
  if (dim > kMaxNormedDim) {
    return Status::error(Code::unsupported, "norm-rope-kv-write: a head of %lld elements; expected at most %d",
                         static_cast<long long>(dim), kMaxNormedDim);
  }
  RotaryStep step;
  TRTLLM_TRY(rotary_step("norm-rope-kv-write", o, dim, &step));
  if (tokens == 0) return Status();
  return by_cache("norm-rope-kv-write", o.q, o.cache, [&](auto* rows, auto* elements) {
    using T = std::remove_pointer_t<decltype(rows)>;
    using C = std::remove_pointer_t<decltype(elements)>;
    const NormRopeOperands<T> operands{HeadRows<T>::of(o.q),
                                       HeadRows<T>::of(o.k),
                                       HeadRows<T>::of(o.v),
                                       HeadRows<T>::of(o.q_out),
                                       o.q_weight.as<float>(),
                                       o.k_weight.as<float>(),
                                       o.token_slot.as<int32_t>(),
                                       tokens,
                                       static_cast<int32_t>(o.q.shape[1]),
                                       static_cast<int32_t>(o.k.shape[1]),
                                       static_cast<int32_t>(dim),
                                       o.eps,
                                       1.0f / o.key_scale,
                                       1.0f / o.value_scale};
    norm_rope_kv_write_kernel<T, C><<<grid_of(tokens), kNormWarps * 32, 0, stream_of(context)>>>(
        step, operands, PagedCache<C>::of(o.page_table, o.cache));
    return launched("norm-rope-kv-write");
  });
}

TRTLLM_CUDA_KERNELS(norm_rope_kv_write, {"norm-rope-kv-write", "norm-rope-kv-write.cuda", 0, nullptr, nullptr, launch_norm_rope_kv_write, RowBits::fixed})

}  // namespace trtllm::cuda

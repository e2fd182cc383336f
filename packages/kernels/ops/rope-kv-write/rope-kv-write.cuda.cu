// q_out = rope(q); cache = rope(k) and v at the token's page, as the cache keeps them. The rotations of rope and the writes
// of kv-write in one pass. One block a token: cosine[half], sine[half] in shared memory, then threads stride over the q heads' units, the k
// heads' units and the elements of v. Where eight neighbours turn alike and lie in 16 bytes, a thread has eight pairs at a time.
// A token without a page writes no keys.
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

// Eight elements as the cache keeps them. PERF: 8,192 tokens of 32 and 8 heads of 128: 119 us an element at a time, 77 us so.
template <class C, class T>
__device__ __forceinline__ void keep_eight(C* to, const Pack<T>& pack, float inverse) {
  if constexpr (std::is_same_v<C, T>) {
    store_pack(to, pack);
  } else {
    alignas(8) C narrow[8];
#pragma unroll
    for (int i = 0; i < 8; i++) narrow[i] = kept<C>(pack.at[i], inverse);
    *reinterpret_cast<uint2*>(to) = *reinterpret_cast<const uint2*>(narrow);
  }
}

template <class T, class C>
__global__ void __launch_bounds__(512) rope_kv_write_packs_kernel(RotaryStep step, Heads<T> q, Heads<T> k, Heads<T> v, Heads<T> q_out,
                                                                  const int32_t* slot, PagedCache<C> pages, int64_t tokens, int32_t heads,
                                                                  int32_t kv_heads, int32_t dim, float key_inverse, float value_inverse) {
  __shared__ float cosine[kMaxRotaryHalf], sine[kMaxRotaryHalf];
  const int32_t turning = step.half / 8, units = dim / 8 - turning;  // of a head: pairs of packs that turn; with packs that do not
  const int32_t of_queries = heads * units, of_keys = of_queries + kv_heads * units;
  for (int64_t t = blockIdx.x; t < tokens; t += gridDim.x) {
    __syncthreads();
    rotary_table(step, t, cosine, sine);
    __syncthreads();
    C* key = pages.at(slot[t], step.positions[t], 0, 0);
    const int32_t all = key == nullptr ? of_queries : of_keys + kv_heads * (dim / 8);
    for (int32_t i = threadIdx.x; i < all; i += blockDim.x) {
      if (i >= of_keys) {
        const int32_t head = (i - of_keys) / (dim / 8), at = (i - of_keys) * 8 - head * dim;
        keep_eight(key + pages.part_stride + head * pages.head_stride + at, load_pack(v.at(t, head) + at), value_inverse);
        continue;
      }
      const bool is_query = i < of_queries;
      const int32_t index = is_query ? i : i - of_queries, head = index / units, unit = index - head * units;
      const T* x = is_query ? q.at(t, head) : k.at(t, head);
      const auto put = [&](int32_t at, const Pack<T>& pack) {
        if (is_query) {
          store_pack(q_out.at(t, head) + at, pack);
        } else {
          keep_eight(key + head * pages.head_stride + at, pack, key_inverse);
        }
      };
      if (unit >= turning) {
        put((unit + turning) * 8, load_pack(x + (unit + turning) * 8));
        continue;
      }
      Pack<T> first = load_pack(x + unit * 8), second = load_pack(x + step.half + unit * 8);
#pragma unroll
      for (int e = 0; e < 8; e++) {
        const float a = to_f32(first.at[e]), b = to_f32(second.at[e]), c = cosine[unit * 8 + e], s = sine[unit * 8 + e];
        first.at[e] = from_f32<T>(fmaf(-b, s, a * c));
        second.at[e] = from_f32<T>(fmaf(a, s, b * c));
      }
      put(unit * 8, first);
      put(step.half + unit * 8, second);
    }
  }
}

// Every head begins at a multiple of 16 bytes, in the cache at one of eight elements.
static bool can_pack(const RopeKvWriteArgs& o, const RotaryStep& step) {
  bool packed = !step.interleaved && step.half % 8 == 0 && o.q.shape[2] % 8 == 0 && is_aligned(o.cache.data);
  for (const TensorRef* t : {&o.q, &o.k, &o.v, &o.q_out}) packed = packed && rows_are_packed(*t) && t->stride[1] % 8 == 0;
  for (int axis = 0; axis < 4; axis++) packed = packed && o.cache.stride[axis] % 8 == 0;
  return packed;
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
    auto kernel = rope_kv_write_kernel<T, C>;
    unsigned threads = tokens <= 512 ? 512 : 128;
    if constexpr (sizeof(T) == 2) {
      if (can_pack(o, step)) {
        kernel = rope_kv_write_packs_kernel<T, C>;
        threads = tokens <= 512 ? 512 : 256;
      }
    }
    kernel<<<grid_of(tokens), threads, 0, stream_of(context)>>>(
        step, Heads<T>::of(o.q), Heads<T>::of(o.k), Heads<T>::of(o.v), Heads<T>::of(o.q_out), o.token_slot.as<int32_t>(),
        PagedCache<C>::of(o.page_table, o.cache), tokens, static_cast<int32_t>(o.q.shape[1]),
        static_cast<int32_t>(o.k.shape[1]), static_cast<int32_t>(o.q.shape[2]), 1.0f / o.key_scale, 1.0f / o.value_scale);
    return launched("rope-kv-write");
  });
}

TRTLLM_CUDA_KERNELS(rope_kv_write, {"rope-kv-write", "rope-kv-write.cuda", 0, nullptr, nullptr, launch_rope_kv_write, RowBits::fixed})

}  // namespace trtllm::cuda

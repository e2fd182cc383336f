#pragma once
#include <trtllm/reduce.cuh>

#include "launch.cuh"

// Norms of single heads: one warp a (token, head), grid stride. A lane owns elements lane, lane + 32, ...; the second and
// third readings come from L1. Sums in f32, one rounding. No shared memory.
namespace trtllm::cuda {

struct HeadNormShape {
  int64_t tokens, heads, dim;
  int64_t x_stride, x_head, y_stride, y_head;
  int64_t weight_head;  // from one head's weights to the next; 0 where they share them
  float eps;
};

// weight null: factor 1. kCentred subtracts the mean.
template <class T, bool kCentred>
__global__ void __launch_bounds__(256) head_norm_kernel(const T* x, const float* weight, T* y, HeadNormShape s) {
  const int lane = threadIdx.x & 31;
  const int64_t warps = static_cast<int64_t>(gridDim.x) * (blockDim.x / 32);
  for (int64_t unit = static_cast<int64_t>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32; unit < s.tokens * s.heads; unit += warps) {
    const int64_t token = unit / s.heads, head = unit - token * s.heads;
    const T* from = x + token * s.x_stride + head * s.x_head;
    T* to = y + token * s.y_stride + head * s.y_head;
    const float count = static_cast<float>(s.dim);
    float mean = 0;
    if constexpr (kCentred) {
      float total = 0;
      for (int64_t i = lane; i < s.dim; i += 32) total += to_f32(from[i]);
      mean = warp_reduce(total, Sum()) / count;
    }
    float squares = 0;
    for (int64_t i = lane; i < s.dim; i += 32) {
      const float off = to_f32(from[i]) - mean;
      squares = fmaf(off, off, squares);
    }
    const float scale = 1.0f / sqrtf(warp_reduce(squares, Sum()) / count + s.eps);
    for (int64_t i = lane; i < s.dim; i += 32) {
      const float factor = weight == nullptr ? 1.0f : weight[head * s.weight_head + i];
      to[i] = from_f32<T>((to_f32(from[i]) - mean) * scale * factor);
    }
  }
}

template <bool kCentred>
Status head_norm(const char* op, const TensorRef& x, const float* weight, int64_t weight_head, const TensorRef& y, float eps,
                 const LaunchContext& context) {
  const HeadNormShape s{x.shape[0], x.shape[1], x.shape[2], x.stride[0], x.stride[1], y.stride[0], y.stride[1], weight_head, eps};
  if (s.tokens * s.heads * s.dim == 0) return Status();
  return by_float(op, x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    head_norm_kernel<T, kCentred><<<grid_of((s.tokens * s.heads + 7) / 8), 256, 0, stream_of(context)>>>(x.as<T>(), weight, y.as<T>(), s);
    return launched(op);
  });
}

}  // namespace trtllm::cuda

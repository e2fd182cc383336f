#pragma once
#include "rms.cuh"
#include "round-rows.cuh"

// sum = x + y, rounded; normed = sum / sqrt(mean(sum^2) + eps) * weight, from the rounded sum: fused and unfused plans
// round alike. One block a row; see rms.cuh. sum may be x or y.
namespace trtllm::cuda {

struct AddRmsNorm {
  TensorRef x, y, weight, sum;
  float eps;
};

template <class T, bool kPacked>
__global__ void __launch_bounds__(512) add_rms_norm_kernel(const T* x, const T* y, const float* weight, T* sum, T* normed,
                                                           int64_t rows, int64_t dim, int64_t x_stride, int64_t y_stride,
                                                           int64_t sum_stride, int64_t normed_stride, float eps) {
  constexpr int kWidth = kPacked ? Pack<T>::kSize : 1;
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    T* total = sum + row * sum_stride;
    float squares = 0;
    for_row<T, kPacked>(dim, [&](int64_t i) {
      const Pack<T> a = load_unit<T, kPacked>(x + row * x_stride + i), b = load_unit<T, kPacked>(y + row * y_stride + i);
      Pack<T> c;
#pragma unroll
      for (int j = 0; j < kWidth; j++) {
        c.at[j] = from_f32<T>(to_f32(a.at[j]) + to_f32(b.at[j]));
        squares = fmaf(to_f32(c.at[j]), to_f32(c.at[j]), squares);
      }
      store_unit<T, kPacked>(total + i, c);
    });
    rms_scale_row<T, kPacked>(total, weight, normed + row * normed_stride, dim, eps, squares);
  }
}

template <class T>
Status launch_add_rms_norm(const char* op, const AddRmsNorm& o, const TensorRef& normed, cudaStream_t stream) {
  const int64_t rows = o.x.shape[0], dim = o.x.shape[1];
  const bool packed = dim % Pack<T>::kSize == 0 && rows_are_packed(o.x) && rows_are_packed(o.y) && rows_are_packed(o.sum) &&
                      rows_are_packed(normed) && is_aligned(o.weight.data);
  const auto kernel = packed ? add_rms_norm_kernel<T, true> : add_rms_norm_kernel<T, false>;
  kernel<<<grid_of(rows), row_threads(dim, packed ? Pack<T>::kSize : 1), 0, stream>>>(
      o.x.as<T>(), o.y.as<T>(), o.weight.as<float>(), o.sum.as<T>(), normed.as<T>(), rows, dim, o.x.stride[0], o.y.stride[0],
      o.sum.stride[0], normed.stride[0], o.eps);
  return launched(op);
}

// The same with normed rounded on, to T and then to f8 with a scale for each row (round-rows.cuh). Its squares are added in another order.
template <class T, class Shape>
__global__ void __launch_bounds__(Shape::kThreads) add_rms_norm_round_kernel(const T* x, const T* y, const float* weight, T* sum, f8* values,
                                                                             float* scales, int64_t dim, int64_t x_stride, int64_t y_stride,
                                                                             int64_t sum_stride, float eps) {
  constexpr int kSize = Pack<T>::kSize;
  const int64_t row = blockIdx.x;
  KeptRow<T, Shape> kept, added;  // both read before anything is written, which the compiler must take for one of them
  kept.each(dim, [&](Pack<T>& pack, int64_t k, int) { pack = load_pack(x + row * x_stride + k); });
  added.each(dim, [&](Pack<T>& pack, int64_t k, int) { pack = load_pack(y + row * y_stride + k); });
  float squares = 0;
  kept.each(dim, [&](Pack<T>& pack, int64_t k, int i) {
#pragma unroll
    for (int j = 0; j < kSize; j++) {
      pack.at[j] = from_f32<T>(to_f32(pack.at[j]) + to_f32(added.packs[i].at[j]));
      squares = fmaf(to_f32(pack.at[j]), to_f32(pack.at[j]), squares);
    }
    store_pack(sum + row * sum_stride + k, pack);
  });
  const float scale = 1.0f / sqrtf(block_reduce(squares, Sum()) / static_cast<float>(dim) + eps);
  kept.each(dim, [&](Pack<T>& pack, int64_t k, int) {
    float w[kSize];
    load_weights<kSize>(weight + k, w);
#pragma unroll
    for (int j = 0; j < kSize; j++) pack.at[j] = from_f32<T>(to_f32(pack.at[j]) * scale * w[j]);
  });
  kept.round(dim, values + row * dim, scales + row);
}

template <class T>
Status launch_add_rms_norm_round(const char* op, const AddRmsNorm& o, f8* values, float* scales, cudaStream_t stream) {
  const int64_t rows = o.x.shape[0], dim = o.x.shape[1];
  by_row_length(dim / Pack<T>::kSize, [&](auto shape) {
    using Shape = decltype(shape);
    add_rms_norm_round_kernel<T, Shape><<<static_cast<unsigned>(rows), Shape::kThreads, 0, stream>>>(
        o.x.as<T>(), o.y.as<T>(), o.weight.as<float>(), o.sum.as<T>(), values, scales, dim, o.x.stride[0], o.y.stride[0],
        o.sum.stride[0], o.eps);
  });
  return launched(op);
}

}  // namespace trtllm::cuda

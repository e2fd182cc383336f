// sum = x + y, rounded; normed = sum / sqrt(mean(sum^2) + eps) * weight, from the rounded sum: fused and unfused plans
// round alike. One block a row; see native/backend/cuda/rms.cuh. sum may be x or y.
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/rms.cuh"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

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

static Status launch_add_rms_norm(const OpCall& call, LaunchContext& context) {
  const auto o = AddRmsNormArgs::from(call);
  const int64_t rows = o.x.shape[0], dim = o.x.shape[1];
  if (rows == 0 || dim == 0) return Status();
  return by_float("add-rms-norm", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const bool packed = dim % Pack<T>::kSize == 0 && rows_are_packed(o.x) && rows_are_packed(o.y) &&
                        rows_are_packed(o.sum) && rows_are_packed(o.normed) && is_aligned(o.weight.data);
    const auto kernel = packed ? add_rms_norm_kernel<T, true> : add_rms_norm_kernel<T, false>;
    kernel<<<grid_of(rows), row_threads(dim, packed ? Pack<T>::kSize : 1), 0, stream_of(context)>>>(
        o.x.as<T>(), o.y.as<T>(), o.weight.as<float>(), o.sum.as<T>(), o.normed.as<T>(), rows, dim, o.x.stride[0],
        o.y.stride[0], o.sum.stride[0], o.normed.stride[0], o.eps);
    return launched("add-rms-norm");
  });
}

TRTLLM_CUDA_KERNELS(add_rms_norm, {"add-rms-norm", "add-rms-norm.cuda", 0, nullptr, nullptr, launch_add_rms_norm, RowBits::fixed})

}  // namespace trtllm::cuda

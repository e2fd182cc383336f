// y = x / sqrt(mean(x^2) + eps) * weight. One block a row; see native/backend/cuda/rms.cuh.
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/rms.cuh"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

template <class T, bool kPacked>
__global__ void __launch_bounds__(512) rms_norm_kernel(const T* x, const float* weight, T* y, int64_t rows, int64_t dim,
                                                       int64_t x_stride, int64_t y_stride, float eps) {
  constexpr int kWidth = kPacked ? Pack<T>::kSize : 1;
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const T* from = x + row * x_stride;
    float squares = 0;
    for_row<T, kPacked>(dim, [&](int64_t i) {
      const Pack<T> a = load_unit<T, kPacked>(from + i);
#pragma unroll
      for (int j = 0; j < kWidth; j++) squares = fmaf(to_f32(a.at[j]), to_f32(a.at[j]), squares);
    });
    rms_scale_row<T, kPacked>(from, weight, y + row * y_stride, dim, eps, squares);
  }
}

static Status launch_rms_norm(const OpCall& call, LaunchContext& context) {
  const auto o = RmsNormArgs::from(call);
  const int64_t rows = o.x.shape[0], dim = o.x.shape[1];
  if (rows == 0 || dim == 0) return Status();
  return by_float("rms-norm", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const bool packed = dim % Pack<T>::kSize == 0 && rows_are_packed(o.x) && rows_are_packed(o.y) && is_aligned(o.weight.data);
    const auto kernel = packed ? rms_norm_kernel<T, true> : rms_norm_kernel<T, false>;
    kernel<<<grid_of(rows), row_threads(dim, packed ? Pack<T>::kSize : 1), 0, stream_of(context)>>>(
        o.x.as<T>(), o.weight.as<float>(), o.y.as<T>(), rows, dim, o.x.stride[0], o.y.stride[0], o.eps);
    return launched("rms-norm");
  });
}

TRTLLM_CUDA_KERNELS(rms_norm, {"rms-norm", "rms-norm.cuda", 0, nullptr, nullptr, launch_rms_norm, RowBits::fixed})

}  // namespace trtllm::cuda

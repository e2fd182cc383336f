// sum = x + rmsNorm(y) * weight; normed = rmsNorm(sum) * next_weight; every intermediate is rounded: fused and unfused
// plans round alike. One block a row; see native/backend/cuda/rms.cuh. sum may be x or y.
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/rms.cuh"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

struct NormAddNormShape {
  int64_t rows, dim, x_stride, y_stride, sum_stride, normed_stride;
  float eps, next_eps;
};

template <class T, bool kPacked>
__global__ void __launch_bounds__(512) rms_norm_add_rms_norm_kernel(const T* x, const T* y, const float* weight,
                                                                    const float* next_weight, T* sum, T* normed,
                                                                    NormAddNormShape s) {
  for (int64_t row = blockIdx.x; row < s.rows; row += gridDim.x) {
    T* total = sum + row * s.sum_stride;
    const float squares =
        rms_add_row<T, kPacked>(x + row * s.x_stride, y + row * s.y_stride, weight, total, s.dim, s.eps);
    rms_scale_row<T, kPacked>(total, next_weight, normed + row * s.normed_stride, s.dim, s.next_eps, squares);
  }
}

static Status launch_rms_norm_add_rms_norm(const OpCall& call, LaunchContext& context) {
  const auto o = RmsNormAddRmsNormArgs::from(call);
  const NormAddNormShape s{o.x.shape[0],    o.x.shape[1],       o.x.stride[0], o.y.stride[0],
                           o.sum.stride[0], o.normed.stride[0], o.eps,         o.next_eps};
  if (s.rows == 0 || s.dim == 0) return Status();
  return by_float("rms-norm-add-rms-norm", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const bool packed = s.dim % Pack<T>::kSize == 0 && rows_are_packed(o.x) && rows_are_packed(o.y) &&
                        rows_are_packed(o.sum) && rows_are_packed(o.normed) && is_aligned(o.weight.data) &&
                        is_aligned(o.next_weight.data);
    const auto kernel = packed ? rms_norm_add_rms_norm_kernel<T, true> : rms_norm_add_rms_norm_kernel<T, false>;
    kernel<<<grid_of(s.rows), row_threads(s.dim, packed ? Pack<T>::kSize : 1), 0, stream_of(context)>>>(
        o.x.as<T>(), o.y.as<T>(), o.weight.as<float>(), o.next_weight.as<float>(), o.sum.as<T>(), o.normed.as<T>(), s);
    return launched("rms-norm-add-rms-norm");
  });
}

TRTLLM_CUDA_KERNELS(rms_norm_add_rms_norm, {"rms-norm-add-rms-norm", "rms-norm-add-rms-norm.cuda", 0, nullptr, nullptr,
                                            launch_rms_norm_add_rms_norm, RowBits::fixed})

}  // namespace trtllm::cuda

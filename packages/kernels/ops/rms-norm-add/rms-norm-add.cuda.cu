// sum = x + rmsNorm(y) * weight, the norm rounded first: fused and unfused plans round alike. One block a row; see
// native/backend/cuda/rms.cuh. sum may be x or y.
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/rms.cuh"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

template <class T, bool kPacked>
__global__ void __launch_bounds__(512) rms_norm_add_kernel(const T* x, const T* y, const float* weight, T* sum, int64_t rows,
                                                           int64_t dim, int64_t x_stride, int64_t y_stride, int64_t sum_stride,
                                                           float eps) {
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    rms_add_row<T, kPacked>(x + row * x_stride, y + row * y_stride, weight, sum + row * sum_stride, dim, eps);
  }
}

static Status launch_rms_norm_add(const OpCall& call, LaunchContext& context) {
  const auto o = RmsNormAddArgs::from(call);
  const int64_t rows = o.x.shape[0], dim = o.x.shape[1];
  if (rows == 0 || dim == 0) return Status();
  return by_float("rms-norm-add", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const bool packed = dim % Pack<T>::kSize == 0 && rows_are_packed(o.x) && rows_are_packed(o.y) &&
                        rows_are_packed(o.sum) && is_aligned(o.weight.data);
    const auto kernel = packed ? rms_norm_add_kernel<T, true> : rms_norm_add_kernel<T, false>;
    kernel<<<grid_of(rows), row_threads(dim, packed ? Pack<T>::kSize : 1), 0, stream_of(context)>>>(
        o.x.as<T>(), o.y.as<T>(), o.weight.as<float>(), o.sum.as<T>(), rows, dim, o.x.stride[0], o.y.stride[0],
        o.sum.stride[0], o.eps);
    return launched("rms-norm-add");
  });
}

TRTLLM_CUDA_KERNELS(rms_norm_add, {"rms-norm-add", "rms-norm-add.cuda", 0, nullptr, nullptr, launch_rms_norm_add, RowBits::fixed})

}  // namespace trtllm::cuda

// y[r] = x[r] * factor[r]; f32 inside, rounded once. One thread makes one element, grid stride. No shared memory.
#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

template <class T>
__global__ void __launch_bounds__(256) scale_rows_kernel(const T* x, const float* factor, T* y, int64_t rows, int64_t dim,
                                                         int64_t x_stride, int64_t factor_stride, int64_t y_stride) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows * dim; i += step) {
    const int64_t row = i / dim, at = i - row * dim;
    y[row * y_stride + at] = from_f32<T>(to_f32(x[row * x_stride + at]) * factor[row * factor_stride]);
  }
}

static Status launch_scale_rows(const OpCall& call, LaunchContext& context) {
  const auto o = ScaleRowsArgs::from(call);
  const int64_t rows = o.x.shape[0], dim = o.x.shape[1];
  if (rows == 0 || dim == 0) return Status();
  return by_float("scale-rows", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    scale_rows_kernel<T><<<grid_of((rows * dim + 255) / 256), 256, 0, stream_of(context)>>>(
        o.x.as<T>(), o.factor.as<float>(), o.y.as<T>(), rows, dim, o.x.stride[0], o.factor.stride[0], o.y.stride[0]);
    return launched("scale-rows");
  });
}

TRTLLM_CUDA_KERNELS(scale_rows, {"scale-rows", "scale-rows.cuda", 0, nullptr, nullptr, launch_scale_rows, RowBits::fixed})

}  // namespace trtllm::cuda

// y = (x - mean) / sqrt(variance + eps) * weight + bias. One block a row; see native/backend/cuda/layer-norm.cuh.
#include "../../native/backend/cuda/layer-norm.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

template <class T, bool kPacked>
__global__ void __launch_bounds__(512) layer_norm_kernel(const T* x, const float* weight, const float* bias, T* y, int64_t rows,
                                                         int64_t dim, int64_t x_stride, int64_t y_stride, float eps) {
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    layer_norm_row<T, kPacked>(x + row * x_stride, weight, bias, y + row * y_stride, dim, eps);
  }
}

static Status launch_layer_norm(const OpCall& call, LaunchContext& context) {
  const auto o = LayerNormArgs::from(call);
  const int64_t rows = o.x.shape[0], dim = o.x.shape[1];
  if (rows == 0 || dim == 0) return Status();
  const float* bias = o.bias.present() ? o.bias.as<float>() : nullptr;
  return by_float("layer-norm", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const bool packed = dim % Pack<T>::kSize == 0 && rows_are_packed(o.x) && rows_are_packed(o.y) &&
                        is_aligned(o.weight.data) && (bias == nullptr || is_aligned(bias));
    const auto kernel = packed ? layer_norm_kernel<T, true> : layer_norm_kernel<T, false>;
    kernel<<<grid_of(rows), row_threads(dim, packed ? Pack<T>::kSize : 1), 0, stream_of(context)>>>(
        o.x.as<T>(), o.weight.as<float>(), bias, o.y.as<T>(), rows, dim, o.x.stride[0], o.y.stride[0], o.eps);
    return launched("layer-norm");
  });
}

TRTLLM_CUDA_KERNELS(layer_norm, {"layer-norm", "layer-norm.cuda", 0, nullptr, nullptr, launch_layer_norm, RowBits::fixed})

}  // namespace trtllm::cuda

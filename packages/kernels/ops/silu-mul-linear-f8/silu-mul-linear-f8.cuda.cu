// y = (gate / (1 + exp(-gate)) * up) * (weight * scale)^T + bias. Up to 8 rows the kernels of silu-mul and linear-f8; with more the
// products leave as f8 with a scale for each row (native/backend/cuda/round-rows.cuh) and are multiplied as they lie.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/rounded-rows.cuh"

namespace trtllm::cuda {

// silu(gate) * up, rounded to T, with the fast exponential and division: their error is far below what f8 keeps.
template <class T>
struct SiluMulRows {
  const T *gate, *up;
  int64_t gate_stride, up_stride;
  __device__ __forceinline__ Pack<T> operator()(int64_t row, int64_t k) const {
    const Pack<T> a = load_pack(gate + row * gate_stride + k), b = load_pack(up + row * up_stride + k);
    Pack<T> result;
#pragma unroll
    for (int j = 0; j < Pack<T>::kSize; j++) {
      const float x = to_f32(a.at[j]);
      result.at[j] = from_f32<T>(__fdividef(x, 1.0f + __expf(-x)) * to_f32(b.at[j]));
    }
    return result;
  }
};

static Status launch_silu_mul_linear_f8(const OpCall& call, LaunchContext& context) {
  const char* op = "silu-mul-linear-f8";
  const auto o = SiluMulLinearF8Args::from(call);
  return by_float(op, o.gate.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    return linear_of_produced_rows<T>(
        op, {o.gate, o.weight, o.weight_scale, o.bias, o.y}, rows_are_packed(o.gate) && rows_are_packed(o.up), context,
        [&](const TensorRef& x) { return launch_elementwise(op, o.gate, o.up, x, context, SiluMul()); },
        [&](f8* values, float* scales) {
          const SiluMulRows<T> rows{o.gate.as<T>(), o.up.as<T>(), o.gate.stride[0], o.up.stride[0]};
          return launch_round_rows<T>(op, rows, o.gate.shape[0], o.gate.shape[1], values, scales, stream_of(context));
        });
  });
}

static int64_t silu_mul_linear_f8_workspace(const OpCall& call) {
  return produced_rows_workspace(SiluMulLinearF8Args::from(call).gate);
}

TRTLLM_CUDA_KERNELS(silu_mul_linear_f8, {"silu-mul-linear-f8", "silu-mul-linear-f8.cuda", 0, nullptr, silu_mul_linear_f8_workspace,
                                         launch_silu_mul_linear_f8})

}  // namespace trtllm::cuda

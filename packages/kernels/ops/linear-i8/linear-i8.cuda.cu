// y = x * (weight * scale)^T + bias, weight i8 [out, in] row-major with a scale for each row: streamed and unpacked in
// registers (native/backend/cuda/few-rows.cuh), for any number of rows.
#include "../../native/backend/cuda/quantized-linear.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_linear_i8(const OpCall& call, LaunchContext& context) {
  const auto args = LinearI8Args::from(call);
  TRTLLM_TRY(check_quantized_linear("linear-i8", DType::i8, args));
  if (args.x.shape[0] == 0 || args.y.shape[1] == 0) return Status();
  const bool packed = quantized_rows_are_packed<i8>(args);
  return by_float("linear-i8", args.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const auto operands = quantized_operands(args);
    if (args.y.dtype == DType::f32) {
      linear_few_rows<i8, T, float>(operands, packed, stream_of(context));
    } else {
      linear_few_rows<i8, T, T>(operands, packed, stream_of(context));
    }
    return launched("linear-i8");
  });
}

TRTLLM_CUDA_KERNELS(linear_i8, {"linear-i8", "linear-i8.cuda", 0, nullptr, nullptr, launch_linear_i8})

}  // namespace trtllm::cuda

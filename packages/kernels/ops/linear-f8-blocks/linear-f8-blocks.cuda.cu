// y = x * (weight * scale)^T + bias, weight f8 [out, in] row-major with a scale for each 128 x 128. The weight is streamed and
// unpacked in registers, x stays as it is (native/backend/cuda/few-rows.cuh).
#include "../../native/backend/cuda/quantized-linear.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/core/scale-blocks.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_linear_f8_blocks(const OpCall& call, LaunchContext& context) {
  const auto args = LinearF8BlocksArgs::from(call);
  TRTLLM_TRY(check_quantized_linear("linear-f8-blocks", DType::f8, args));
  TRTLLM_TRY(check_scale_blocks("linear-f8-blocks", args.weight, args.weight_scale));
  if (args.x.shape[0] == 0 || args.y.shape[1] == 0) return Status();
  return by_float("linear-f8-blocks", args.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const auto run = args.y.dtype == DType::f32 ? linear_few_rows<BlockF8, T, float> : linear_few_rows<BlockF8, T, T>;
    run(quantized_operands(args), quantized_rows_are_packed<f8>(args), stream_of(context));
    return launched("linear-f8-blocks");
  });
}

TRTLLM_CUDA_KERNELS(linear_f8_blocks,
                    {"linear-f8-blocks", "linear-f8-blocks.cuda", 0, nullptr, nullptr, launch_linear_f8_blocks})

}  // namespace trtllm::cuda

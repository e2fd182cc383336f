#include "../../native/backend/cpu/gemm-quantized.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/core/scale-blocks.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_linear_f8_blocks(const OpCall& call, LaunchContext& context) {
  const auto o = LinearF8BlocksArgs::from(call);
  TRTLLM_TRY(check_scale_blocks("linear-f8-blocks", o.weight, o.weight_scale));
  return launch_quantized<F8>("linear-f8-blocks", DType::f8, o, context);
}

TRTLLM_CPU_KERNEL(linear_f8_blocks, "linear-f8-blocks", launch_linear_f8_blocks, nullptr)

}  // namespace ISA_NS
}  // namespace trtllm

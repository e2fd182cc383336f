#include "../../native/backend/cpu/gemm-quantized.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_linear_f8(const OpCall& call, LaunchContext& context) {
  return launch_quantized<F8>("linear-f8", DType::f8, LinearF8Args::from(call), context);
}

TRTLLM_CPU_KERNEL(linear_f8, "linear-f8", launch_linear_f8, nullptr)

}  // namespace ISA_NS
}  // namespace trtllm

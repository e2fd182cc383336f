#include "../../native/backend/cpu/gemm-quantized.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_linear_i8(const OpCall& call, LaunchContext& context) {
  return launch_quantized<I8>("linear-i8", DType::i8, LinearI8Args::from(call), context);
}

TRTLLM_CPU_KERNEL(linear_i8, "linear-i8", launch_linear_i8, nullptr)

}  // namespace ISA_NS
}  // namespace trtllm

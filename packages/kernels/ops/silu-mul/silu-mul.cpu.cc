#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_silu_mul(const OpCall& call, LaunchContext& context) {
  const auto o = SiluMulArgs::from(call);
  return zip_rows("silu-mul", o.gate, o.up, o.y, context, [](Vec a, Vec b) { return mul(silu(a), b); });
}

TRTLLM_CPU_KERNEL(silu_mul, "silu-mul", launch_silu_mul)

}  // namespace ISA_NS
}  // namespace trtllm

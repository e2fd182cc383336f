#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_mul(const OpCall& call, LaunchContext& context) {
  const auto o = MulArgs::from(call);
  return zip_rows("mul", o.x, o.y, o.z, context, [](Vec a, Vec b) { return mul(a, b); });
}

TRTLLM_CPU_KERNEL(mul, "mul", launch_mul)

}  // namespace ISA_NS
}  // namespace trtllm

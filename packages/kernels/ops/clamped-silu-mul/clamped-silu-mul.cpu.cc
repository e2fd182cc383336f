#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_clamped_silu_mul(const OpCall& call, LaunchContext& context) {
  const auto o = ClampedSiluMulArgs::from(call);
  return zip_rows("clamped-silu-mul", o.x, o.y, o.z, context,
                  [&](Vec g, Vec u) { return clamped_silu_mul(g, u, o.limit, o.alpha); });
}

TRTLLM_CPU_KERNEL(clamped_silu_mul, "clamped-silu-mul", launch_clamped_silu_mul)

}  // namespace ISA_NS
}  // namespace trtllm

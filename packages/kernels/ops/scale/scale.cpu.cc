#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_scale(const OpCall& call, LaunchContext& context) {
  const auto o = ScaleArgs::from(call);
  const Vec factor = set(o.factor);
  return map_rows("scale", o.x, o.y, context, [=](Vec a) { return mul(a, factor); });
}

TRTLLM_CPU_KERNEL(scale, "scale", launch_scale)

}  // namespace ISA_NS
}  // namespace trtllm

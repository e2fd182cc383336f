#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_softcap(const OpCall& call, LaunchContext& context) {
  const auto o = SoftcapArgs::from(call);
  const float cap = o.cap;
  return map_rows("softcap", o.x, o.y, context, [=](Vec a) { return softcap(a, cap); });
}

TRTLLM_CPU_KERNEL(softcap, "softcap", launch_softcap)

}  // namespace ISA_NS
}  // namespace trtllm

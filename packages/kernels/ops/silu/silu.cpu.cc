#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_silu(const OpCall& call, LaunchContext& context) {
  const auto o = SiluArgs::from(call);
  return map_rows("silu", o.x, o.y, context, [](Vec a) { return silu(a); });
}

TRTLLM_CPU_KERNEL(silu, "silu", launch_silu)

}  // namespace ISA_NS
}  // namespace trtllm

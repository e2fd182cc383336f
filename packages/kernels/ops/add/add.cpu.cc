#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_add(const OpCall& call, LaunchContext& context) {
  const auto o = AddArgs::from(call);
  return zip_rows("add", o.x, o.y, o.z, context, [](Vec a, Vec b) { return add(a, b); });
}

TRTLLM_CPU_KERNEL(add, "add", launch_add)

}  // namespace ISA_NS
}  // namespace trtllm

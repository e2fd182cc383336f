#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_sigmoid(const OpCall& call, LaunchContext& context) {
  const auto o = SigmoidArgs::from(call);
  return map_rows("sigmoid", o.x, o.y, context, [](Vec a) { return sigmoid(a); });
}

TRTLLM_CPU_KERNEL(sigmoid, "sigmoid", launch_sigmoid)

}  // namespace ISA_NS
}  // namespace trtllm

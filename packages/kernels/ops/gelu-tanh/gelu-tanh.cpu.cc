#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_gelu_tanh(const OpCall& call, LaunchContext& context) {
  const auto o = GeluTanhArgs::from(call);
  return map_rows("gelu-tanh", o.x, o.y, context, [](Vec a) { return gelu_tanh(a); });
}

TRTLLM_CPU_KERNEL(gelu_tanh, "gelu-tanh", launch_gelu_tanh)

}  // namespace ISA_NS
}  // namespace trtllm

#include "../../native/backend/cpu/add-rms-norm.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_add_rms_norm(const OpCall& call, LaunchContext& context) {
  const auto o = AddRmsNormArgs::from(call);
  return add_rms_norm_rows("add-rms-norm", o.x, o.y, o.weight, o.sum, o.normed, o.eps, context);
}

TRTLLM_CPU_KERNEL(add_rms_norm, "add-rms-norm", launch_add_rms_norm)

}  // namespace ISA_NS
}  // namespace trtllm

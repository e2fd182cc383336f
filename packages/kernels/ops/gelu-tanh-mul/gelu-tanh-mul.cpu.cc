#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_gelu_tanh_mul(const OpCall& call, LaunchContext& context) {
  const auto o = GeluTanhMulArgs::from(call);
  return zip_rows("gelu-tanh-mul", o.gate, o.up, o.y, context, [](Vec a, Vec b) { return mul(gelu_tanh(a), b); });
}

TRTLLM_CPU_KERNEL(gelu_tanh_mul, "gelu-tanh-mul", launch_gelu_tanh_mul)

}  // namespace ISA_NS
}  // namespace trtllm

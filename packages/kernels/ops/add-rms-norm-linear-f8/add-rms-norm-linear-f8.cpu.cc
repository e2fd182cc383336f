#include "../../native/backend/cpu/add-rms-norm.h"
#include "../../native/backend/cpu/gemm-quantized.h"
#include "../../native/backend/cpu/kept-rows.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static int64_t add_rms_norm_linear_f8_workspace(const OpCall& call) {
  return kept_rows_bytes(AddRmsNormLinearF8Args::from(call).x);
}

static Status launch_add_rms_norm_linear_f8(const OpCall& call, LaunchContext& context) {
  const auto o = AddRmsNormLinearF8Args::from(call);
  const TensorRef normed = kept_rows(o.x, context);
  TRTLLM_TRY(add_rms_norm_rows("add-rms-norm-linear-f8", o.x, o.added, o.norm_weight, o.sum, normed, o.eps, context));
  return launch_quantized<F8>("add-rms-norm-linear-f8", DType::f8, LinearF8Args{normed, o.weight, o.weight_scale, o.bias, o.y},
                              context);
}

TRTLLM_CPU_KERNEL(add_rms_norm_linear_f8, "add-rms-norm-linear-f8", launch_add_rms_norm_linear_f8,
                  add_rms_norm_linear_f8_workspace)

}  // namespace ISA_NS
}  // namespace trtllm

#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/gemm-quantized.h"
#include "../../native/backend/cpu/kept-rows.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static int64_t silu_mul_linear_f8_workspace(const OpCall& call) { return kept_rows_bytes(SiluMulLinearF8Args::from(call).gate); }

static Status launch_silu_mul_linear_f8(const OpCall& call, LaunchContext& context) {
  const auto o = SiluMulLinearF8Args::from(call);
  const TensorRef x = kept_rows(o.gate, context);
  TRTLLM_TRY(zip_rows("silu-mul-linear-f8", o.gate, o.up, x, context, [](Vec a, Vec b) { return mul(silu(a), b); }));
  return launch_quantized<F8>("silu-mul-linear-f8", DType::f8, LinearF8Args{x, o.weight, o.weight_scale, o.bias, o.y}, context);
}

TRTLLM_CPU_KERNEL(silu_mul_linear_f8, "silu-mul-linear-f8", launch_silu_mul_linear_f8, silu_mul_linear_f8_workspace)

}  // namespace ISA_NS
}  // namespace trtllm

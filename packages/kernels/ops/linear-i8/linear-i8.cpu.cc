#include "../../native/backend/cpu/gemm-policy-i8.h"
#include "../../native/backend/cpu/gemm-quantized.h"
#include "../../native/backend/cpu/gemm.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

#if TRTLLM_SCALAR
static Status launch_linear_i8(const OpCall& call, LaunchContext& context) {
  return launch_quantized<I8>("linear-i8", DType::i8, LinearI8Args::from(call), context);
}

static int64_t linear_i8_workspace(const OpCall&) { return 0; }
#else
template <class X, class Y>
static void run_linear_i8(const LinearI8Args& o, LaunchContext& context) {
  const GemmOperands<X, Y> operands{o.x.as<X>(),
                                    o.x.stride[0],
                                    o.weight.data,
                                    o.weight_scale.as<float>(),
                                    o.bias.present() ? o.bias.data : nullptr,
                                    o.y.as<Y>(),
                                    o.y.stride[0]};
  const GemmShape shape{o.x.shape[0], o.x.shape[1], o.y.shape[1]};
#if TRTLLM_AVX512_BF16
  if constexpr (std::is_same_v<X, Bf16>) {
    gemm<I8PairPolicy>(operands, shape, context);
    return;
  }
#endif
  gemm<I8Policy>(operands, shape, context);
}

static Status launch_linear_i8(const OpCall& call, LaunchContext& context) {
  const auto o = LinearI8Args::from(call);
  TRTLLM_TRY(check_quantized("linear-i8", DType::i8, o));
  return by_float("linear-i8", o.x.dtype, [&](auto* type) {
    using X = std::remove_pointer_t<decltype(type)>;
    if (o.y.dtype == DType::f32) {
      run_linear_i8<X, float>(o, context);
    } else {
      run_linear_i8<X, X>(o, context);
    }
    return Status();
  });
}

static int64_t linear_i8_workspace(const OpCall& call) {
  const auto o = LinearI8Args::from(call);
  return gemm_workspace_bytes(GemmShape{o.x.shape[0], o.x.shape[1], o.y.shape[1]});
}
#endif

TRTLLM_CPU_KERNEL(linear_i8, "linear-i8", launch_linear_i8, linear_i8_workspace)

}  // namespace ISA_NS
}  // namespace trtllm

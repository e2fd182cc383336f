#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/gemm-plain.h"
#include "../../native/backend/cpu/gemm.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

// The weight type picks the tile; bf16 activations on a bf16 matrix use the pair instruction where there is one.
template <class X, class W, class Y>
static void run_linear(const LinearArgs& o, LaunchContext& context) {
  const int64_t rows = o.x.shape[0], in = o.x.shape[1], out = o.y.shape[1];
  const void* bias = o.bias.present() ? o.bias.data : nullptr;
#if TRTLLM_SCALAR
  const PlainOperands<X, Y> plain{o.x.as<X>(), o.x.stride[0], bias, o.y.as<Y>(), o.y.stride[0]};
  linear_reference<X, W, Y>(plain, PlainShape{rows, in, out}, o.weight, context);
#else
  if (o.weight.layout == Layout::strided) {
    const PlainOperands<X, Y> plain{o.x.as<X>(), o.x.stride[0], bias, o.y.as<Y>(), o.y.stride[0]};
    linear_by_dots<X, W, Y>(plain, PlainShape{rows, in, out}, o.weight, context);
    return;
  }
  const GemmOperands<X, Y> operands{o.x.as<X>(), o.x.stride[0], o.weight.data, nullptr, bias, o.y.as<Y>(), o.y.stride[0]};
  const GemmShape shape{rows, in, out};
  if constexpr (std::is_same_v<W, float>) {
    gemm<F32Policy>(operands, shape, context);
  } else if constexpr (std::is_same_v<W, F16>) {
    gemm<F16Policy>(operands, shape, context);
#if TRTLLM_AVX512_BF16
  } else if constexpr (std::is_same_v<X, Bf16>) {
    gemm<Bf16PairPolicy>(operands, shape, context);
#endif
  } else {
    gemm<Bf16Policy>(operands, shape, context);
  }
#endif
}

static int64_t linear_workspace(const OpCall& call) {
#if TRTLLM_SCALAR
  (void)call;
  return 0;
#else
  const auto o = LinearArgs::from(call);
  return gemm_workspace_bytes(GemmShape{o.x.shape[0], o.x.shape[1], o.y.shape[1]});
#endif
}

// x and weight share a type; y has it too or is f32.
static Status launch_linear(const OpCall& call, LaunchContext& context) {
  const auto o = LinearArgs::from(call);
  if (o.x.dtype != o.weight.dtype || (o.y.dtype != o.x.dtype && o.y.dtype != DType::f32)) {
    return Status::error(Code::unsupported,
                         "linear: x is %s, weight %s, y %s; x and weight must agree, y too or be f32",
                         dtype_name(o.x.dtype), dtype_name(o.weight.dtype), dtype_name(o.y.dtype));
  }
  return by_float("linear", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    if (o.y.dtype == DType::f32) {
      run_linear<T, T, float>(o, context);
    } else {
      run_linear<T, T, T>(o, context);
    }
    return Status();
  });
}

TRTLLM_CPU_KERNEL(linear, "linear", launch_linear, linear_workspace)

}  // namespace ISA_NS
}  // namespace trtllm

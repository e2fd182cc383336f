#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/expert-gemm.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

#if TRTLLM_SCALAR
// The reference: sums in f64.
template <class T>
static void run_expert_linear(const ExpertLinearArgs& o, LaunchContext& context) {
  const ExpertRows<T, ExpertLinearArgs> rows{o};
  const int64_t out = o.weight.shape[1], in = o.weight.shape[2];
  auto* outputs = static_cast<float*>(context.workspace);
  context.pool->for_each(o.weight.shape[0], 1, [&](int64_t begin, int64_t end) {
    for (int64_t expert = begin; expert < end; expert++) {
      const T* weight = o.weight.as<T>() + expert * panel_count(out) * panel_stride(o.weight.dtype, in);
      for (int64_t p = o.offsets.as<int32_t>()[expert]; p < o.offsets.as<int32_t>()[expert + 1]; p++) {
        const T* x = rows.x(p);
        float* z = outputs + p * out;
        for (int64_t n = 0; n < out; n++) {
          double total = 0;
          for (int64_t k = 0; k < in; k++) {
            total += static_cast<double>(to_f32(x[k])) * to_f32(weight[panel_index(o.weight.dtype, in, n, k)]);
          }
          z[n] = static_cast<float>(total);
        }
        if (rows.is_gated()) {
          rows.finish(expert, p, 0, out, z, z);
          rows.gate(p, z);
        } else {
          rows.finish(expert, p, 0, out, z, row_of<T>(o.y, p));
        }
      }
    }
  });
}
#else
template <class T>
static void run_expert_linear(const ExpertLinearArgs& o, LaunchContext& context) {
  const ExpertRows<T, ExpertLinearArgs> rows{o};
  if constexpr (std::is_same_v<T, float>) {
    expert_gemm<F32Policy>(rows, context);
  } else if constexpr (std::is_same_v<T, F16>) {
    expert_gemm<F16Policy>(rows, context);
#if TRTLLM_AVX512_BF16
  } else {
    expert_gemm<Bf16PairPolicy>(rows, context);
#else
  } else {
    expert_gemm<Bf16Policy>(rows, context);
#endif
  }
}
#endif

static int64_t expert_linear_workspace(const OpCall& call) {
  const auto o = ExpertLinearArgs::from(call);
#if TRTLLM_SCALAR
  return o.order.shape[0] * o.weight.shape[1] * 4;
#else
  return expert_workspace_bytes(o);
#endif
}

static Status launch_expert_linear(const OpCall& call, LaunchContext& context) {
  const auto o = ExpertLinearArgs::from(call);
  if (o.x.dtype != o.weight.dtype || o.weight.layout != Layout::panel) {
    return Status::error(Code::unsupported, "expert-linear: x is %s, weight %s; they must agree, the weight in panels",
                         dtype_name(o.x.dtype), dtype_name(o.weight.dtype));
  }
  TRTLLM_TRY(check_expert_rows("expert-linear", o));
  return by_float("expert-linear", o.x.dtype, [&](auto* type) {
    run_expert_linear<std::remove_pointer_t<decltype(type)>>(o, context);
    return Status();
  });
}

TRTLLM_CPU_KERNEL(expert_linear, "expert-linear", launch_expert_linear, expert_linear_workspace)

}  // namespace ISA_NS
}  // namespace trtllm

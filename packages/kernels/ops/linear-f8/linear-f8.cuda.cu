// y = x * (weight * scale)^T + bias, weight f8 [out, in] row-major with a scale for each row. Up to 8 rows: the weight is
// streamed and unpacked in registers, x stays as it is (native/backend/cuda/few-rows.cuh). More: rows of x are rounded to f8 with
// a scale of their own and f8 is multiplied by f8 (native/backend/cuda/f8-product.h), where the GPU has such arithmetic (sm_89 on)
// and cuBLASLt is installed or the tiles of Hopper do.
#include "../../native/backend/cuda/quantized-linear.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/round-rows.cuh"
#include "../../native/backend/cuda/rounded-rows.cuh"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

template <class T>
static Status run_linear_f8(const LinearF8Args& o, LaunchContext& context) {
  const bool packed = quantized_rows_are_packed<f8>(o);
  if constexpr (sizeof(T) == 2) {
    const RoundedRows rounded(o.x.shape[0], o.x.shape[1]);
    if (rounded.suits(packed, o, context)) {
      const StoredRows<T> x{o.x.as<T>(), o.x.stride[0]};
      TRTLLM_TRY(launch_round_rows<T>("linear-f8", x, rounded.rows, rounded.in, rounded.values(context), rounded.scales(context),
                                      stream_of(context)));
      Status status;
      if (multiply_rounded_rows(rounded, o, context, &status)) return status;
    }
  }
  return linear_few_rows_f8("linear-f8", o, packed, stream_of(context));
}

static int64_t linear_f8_workspace(const OpCall& call) {
  const auto args = LinearF8Args::from(call);
  return args.x.shape[0] >= kMinRoundedRows ? RoundedRows(args.x.shape[0], args.x.shape[1]).bytes() : 0;
}

static Status launch_linear_f8(const OpCall& call, LaunchContext& context) {
  const auto args = LinearF8Args::from(call);
  TRTLLM_TRY(check_quantized_linear("linear-f8", DType::f8, args));
  if (args.x.shape[0] == 0 || args.y.shape[1] == 0) return Status();
  return by_float("linear-f8", args.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    return run_linear_f8<T>(args, context);
  });
}

TRTLLM_CUDA_KERNELS(linear_f8, {"linear-f8", "linear-f8.cuda", 0, nullptr, linear_f8_workspace, launch_linear_f8})

}  // namespace trtllm::cuda

// sum = x + added; y = rms-norm(sum) * (weight * scale)^T + bias. Up to 8 rows the kernels of add-rms-norm and linear-f8; with
// more the norm writes its rows as f8 with a scale each (native/backend/cuda/add-rms-norm.cuh) and they are multiplied as they lie.
#include "../../native/backend/cuda/add-rms-norm.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/rounded-rows.cuh"

namespace trtllm::cuda {

static Status launch_add_rms_norm_linear_f8(const OpCall& call, LaunchContext& context) {
  const char* op = "add-rms-norm-linear-f8";
  const auto o = AddRmsNormLinearF8Args::from(call);
  const cudaStream_t stream = stream_of(context);
  return by_float(op, o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const AddRmsNorm norm{o.x, o.added, o.norm_weight, o.sum, o.eps};
    const bool packed = rows_are_packed(o.x) && rows_are_packed(o.added) && rows_are_packed(o.sum) && is_aligned(o.norm_weight.data);
    return linear_of_produced_rows<T>(
        op, {o.x, o.weight, o.weight_scale, o.bias, o.y}, packed, context,
        [&](const TensorRef& normed) { return launch_add_rms_norm<T>(op, norm, normed, stream); },
        [&](f8* values, float* scales) { return launch_add_rms_norm_round<T>(op, norm, values, scales, stream); });
  });
}

static int64_t add_rms_norm_linear_f8_workspace(const OpCall& call) {
  return produced_rows_workspace(AddRmsNormLinearF8Args::from(call).x);
}

TRTLLM_CUDA_KERNELS(add_rms_norm_linear_f8, {"add-rms-norm-linear-f8", "add-rms-norm-linear-f8.cuda", 0, nullptr,
                                             add_rms_norm_linear_f8_workspace, launch_add_rms_norm_linear_f8})

}  // namespace trtllm::cuda

// sum = x + y, rounded; normed = sum / sqrt(mean(sum^2) + eps) * weight: native/backend/cuda/add-rms-norm.cuh.
#include "../../native/backend/cuda/add-rms-norm.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_add_rms_norm_op(const OpCall& call, LaunchContext& context) {
  const auto o = AddRmsNormArgs::from(call);
  if (o.x.shape[0] == 0 || o.x.shape[1] == 0) return Status();
  return by_float("add-rms-norm", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    return launch_add_rms_norm<T>("add-rms-norm", {o.x, o.y, o.weight, o.sum, o.eps}, o.normed, stream_of(context));
  });
}

TRTLLM_CUDA_KERNELS(add_rms_norm, {"add-rms-norm", "add-rms-norm.cuda", 0, nullptr, nullptr, launch_add_rms_norm_op, RowBits::fixed})

}  // namespace trtllm::cuda

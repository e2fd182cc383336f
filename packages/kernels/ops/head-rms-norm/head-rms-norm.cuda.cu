// Per head: y = x / sqrt(mean(x^2) + eps) * weight. See native/backend/cuda/head-norm.cuh for tiles and numerics.
#include "../../native/backend/cuda/head-norm.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_head_rms_norm(const OpCall& call, LaunchContext& context) {
  const auto o = HeadRmsNormArgs::from(call);
  const float* weight = o.weight.present() ? o.weight.as<float>() : nullptr;
  return head_norm<false>("head-rms-norm", o.x, weight, 0, o.y, o.eps, context);
}

TRTLLM_CUDA_KERNELS(head_rms_norm, {"head-rms-norm", "head-rms-norm.cuda", 0, nullptr, nullptr, launch_head_rms_norm, RowBits::fixed})

}  // namespace trtllm::cuda

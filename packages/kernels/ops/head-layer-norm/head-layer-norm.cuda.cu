// Per head: y = (x - mean) / sqrt(variance + eps) * weight. See native/backend/cuda/head-norm.cuh for tiles and numerics.
#include "../../native/backend/cuda/head-norm.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_head_layer_norm(const OpCall& call, LaunchContext& context) {
  const auto o = HeadLayerNormArgs::from(call);
  return head_norm<true>("head-layer-norm", o.x, o.weight.as<float>(), o.weight.stride[0], o.y, o.eps, context);
}

TRTLLM_CUDA_KERNELS(head_layer_norm,
                    {"head-layer-norm", "head-layer-norm.cuda", 0, nullptr, nullptr, launch_head_layer_norm, RowBits::fixed})

}  // namespace trtllm::cuda

// y = x * factor. See native/backend/cuda/elementwise.cuh for tiles and numerics.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

struct Scale {
  float factor;
  __device__ float operator()(float a, float) const { return a * factor; }
};

static Status launch_scale(const OpCall& call, LaunchContext& context) {
  const auto o = ScaleArgs::from(call);
  return launch_elementwise("scale", o.x, o.x, o.y, context, Scale{o.factor});
}

TRTLLM_CUDA_KERNELS(scale, {"scale", "scale.cuda", 0, nullptr, nullptr, launch_scale, RowBits::fixed})

}  // namespace trtllm::cuda

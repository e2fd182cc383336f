// y = 1 / (1 + exp(-x)). See native/backend/cuda/elementwise.cuh for tiles and numerics.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

struct SigmoidOf {
  __device__ float operator()(float a, float) const { return 1.0f / (1.0f + expf(-a)); }
};

static Status launch_sigmoid(const OpCall& call, LaunchContext& context) {
  const auto o = SigmoidArgs::from(call);
  return launch_elementwise("sigmoid", o.x, o.x, o.y, context, SigmoidOf());
}

TRTLLM_CUDA_KERNELS(sigmoid, {"sigmoid", "sigmoid.cuda", 0, nullptr, nullptr, launch_sigmoid, RowBits::fixed})

}  // namespace trtllm::cuda

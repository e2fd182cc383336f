// y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))). See native/backend/cuda/elementwise.cuh for tiles and numerics.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

struct GeluTanh {
  __device__ float operator()(float a, float) const { return gelu_tanh(a); }
};

static Status launch_gelu_tanh(const OpCall& call, LaunchContext& context) {
  const auto o = GeluTanhArgs::from(call);
  return launch_elementwise("gelu-tanh", o.x, o.x, o.y, context, GeluTanh());
}

TRTLLM_CUDA_KERNELS(gelu_tanh, {"gelu-tanh", "gelu-tanh.cuda", 0, nullptr, nullptr, launch_gelu_tanh, RowBits::fixed})

}  // namespace trtllm::cuda

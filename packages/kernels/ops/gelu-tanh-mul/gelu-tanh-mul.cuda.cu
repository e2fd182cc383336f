// y = gelu-tanh(gate) * up. See native/backend/cuda/elementwise.cuh for tiles and numerics.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

struct GeluTanhMul {
  __device__ float operator()(float a, float b) const { return gelu_tanh(a) * b; }
};

static Status launch_gelu_tanh_mul(const OpCall& call, LaunchContext& context) {
  const auto o = GeluTanhMulArgs::from(call);
  return launch_elementwise("gelu-tanh-mul", o.gate, o.up, o.y, context, GeluTanhMul());
}

TRTLLM_CUDA_KERNELS(gelu_tanh_mul, {"gelu-tanh-mul", "gelu-tanh-mul.cuda", 0, nullptr, nullptr, launch_gelu_tanh_mul, RowBits::fixed})

}  // namespace trtllm::cuda

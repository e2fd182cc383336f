// z = g / (1 + exp(-alpha * g)) * (u + 1) with g = min(x, limit), u = y clamped to -limit..limit. See
// native/backend/cuda/elementwise.cuh for tiles and numerics.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

struct ClampedSiluMulValues {
  float limit, alpha;
  __device__ float operator()(float a, float b) const {
    const float g = fminf(a, limit);
    return g / (1.0f + expf(-alpha * g)) * (fminf(fmaxf(b, -limit), limit) + 1.0f);
  }
};

static Status launch_clamped_silu_mul(const OpCall& call, LaunchContext& context) {
  const auto o = ClampedSiluMulArgs::from(call);
  return launch_elementwise("clamped-silu-mul", o.x, o.y, o.z, context, ClampedSiluMulValues{o.limit, o.alpha});
}

TRTLLM_CUDA_KERNELS(clamped_silu_mul, {"clamped-silu-mul", "clamped-silu-mul.cuda", 0, nullptr, nullptr, launch_clamped_silu_mul,
                                       RowBits::fixed})

}  // namespace trtllm::cuda

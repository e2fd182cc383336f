// y = gate / (1 + exp(-gate)) * up. See native/backend/cuda/elementwise.cuh for tiles and numerics.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_silu_mul(const OpCall& call, LaunchContext& context) {
  const auto o = SiluMulArgs::from(call);
  return launch_elementwise("silu-mul", o.gate, o.up, o.y, context, SiluMul());
}

TRTLLM_CUDA_KERNELS(silu_mul, {"silu-mul", "silu-mul.cuda", 0, nullptr, nullptr, launch_silu_mul, RowBits::fixed})

}  // namespace trtllm::cuda

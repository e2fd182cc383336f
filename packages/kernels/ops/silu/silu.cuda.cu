// y = x / (1 + exp(-x)). See native/backend/cuda/elementwise.cuh for tiles and numerics.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_silu(const OpCall& call, LaunchContext& context) {
  const auto o = SiluArgs::from(call);
  return launch_elementwise("silu", o.x, o.x, o.y, context, Silu());
}

TRTLLM_CUDA_KERNELS(silu, {"silu", "silu.cuda", 0, nullptr, nullptr, launch_silu, RowBits::fixed})

}  // namespace trtllm::cuda

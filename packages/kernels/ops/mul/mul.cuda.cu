// z = x * y. See native/backend/cuda/elementwise.cuh for tiles and numerics.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_mul(const OpCall& call, LaunchContext& context) {
  const auto o = MulArgs::from(call);
  return launch_elementwise("mul", o.x, o.y, o.z, context, MulValues());
}

TRTLLM_CUDA_KERNELS(mul, {"mul", "mul.cuda", 0, nullptr, nullptr, launch_mul, RowBits::fixed})

}  // namespace trtllm::cuda

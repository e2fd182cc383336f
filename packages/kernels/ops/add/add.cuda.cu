// z = x + y. See native/backend/cuda/elementwise.cuh for tiles and numerics.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_add(const OpCall& call, LaunchContext& context) {
  const auto o = AddArgs::from(call);
  return launch_elementwise("add", o.x, o.y, o.z, context, AddValues());
}

TRTLLM_CUDA_KERNELS(add, {"add", "add.cuda", 0, nullptr, nullptr, launch_add, RowBits::fixed})

}  // namespace trtllm::cuda

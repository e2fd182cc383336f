// y[r] = x[index[r]], zero outside x. See native/backend/cuda/gather.cuh.
#include "../../native/backend/cuda/gather.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_gather_rows(const OpCall& call, LaunchContext& context) {
  const auto o = GatherRowsArgs::from(call);
  return gather("gather-rows", o.x, o.index, o.y, context);
}

TRTLLM_CUDA_KERNELS(gather_rows, {"gather-rows", "gather-rows.cuda", 0, nullptr, nullptr, launch_gather_rows, RowBits::fixed})

}  // namespace trtllm::cuda

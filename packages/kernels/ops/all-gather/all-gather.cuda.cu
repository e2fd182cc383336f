// y = x: one rank. A communicator between ranks is not built yet.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_all_gather(const OpCall& call, LaunchContext& context) {
  const auto o = AllGatherArgs::from(call);
  if (o.ranks != 1) {
    return Status::error(Code::unsupported, "all-gather: %d ranks asked for; the CUDA backend runs one rank (use tp_size 1)",
                         o.ranks);
  }
  return launch_elementwise("all-gather", o.x, o.x, o.y, context, Copy());
}

TRTLLM_CUDA_KERNELS(all_gather, {"all-gather", "all-gather.cuda", 0, nullptr, nullptr, launch_all_gather, RowBits::fixed})

}  // namespace trtllm::cuda

// y = x: one rank. A communicator between ranks is not built yet.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_all_reduce(const OpCall& call, LaunchContext& context) {
  const auto o = AllReduceArgs::from(call);
  if (o.ranks != 1) {
    return Status::error(Code::unsupported, "all-reduce: %d ranks asked for; the CUDA backend runs one rank (use tp_size 1)",
                         o.ranks);
  }
  return launch_elementwise("all-reduce", o.x, o.x, o.y, context, Copy());
}

TRTLLM_CUDA_KERNELS(all_reduce, {"all-reduce", "all-reduce.cuda", 0, nullptr, nullptr, launch_all_reduce, RowBits::fixed})

}  // namespace trtllm::cuda

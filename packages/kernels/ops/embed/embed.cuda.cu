// y[t] = weight[ids[t]], zero outside the vocabulary. See native/backend/cuda/gather.cuh.
#include "../../native/backend/cuda/gather.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_embed(const OpCall& call, LaunchContext& context) {
  const auto o = EmbedArgs::from(call);
  return gather("embed", o.weight, o.ids, o.y, context);
}

TRTLLM_CUDA_KERNELS(embed, {"embed", "embed.cuda", 0, nullptr, nullptr, launch_embed, RowBits::fixed})

}  // namespace trtllm::cuda

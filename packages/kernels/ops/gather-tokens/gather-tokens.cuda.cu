// ids[t] = slotTokens[tokenSlot[t], positions[t]]; -1 outside the table (embed makes it a zero row). One thread a token.
#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

__global__ void __launch_bounds__(128) gather_tokens_kernel(const int32_t* slot, const int32_t* position, const int32_t* tokens,
                                                            int32_t* ids, int64_t count, int64_t slots, int64_t length,
                                                            int64_t stride) {
  const int64_t t = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (t >= count) return;
  const int64_t s = slot[t], p = position[t];
  ids[t] = s >= 0 && s < slots && p >= 0 && p < length ? tokens[s * stride + p] : -1;
}

static Status launch_gather_tokens(const OpCall& call, LaunchContext& context) {
  const auto o = GatherTokensArgs::from(call);
  const int64_t count = o.ids.shape[0];
  if (count == 0) return Status();
  gather_tokens_kernel<<<static_cast<unsigned>((count + 127) / 128), 128, 0, stream_of(context)>>>(
      o.token_slot.as<int32_t>(), o.positions.as<int32_t>(), o.slot_tokens.as<int32_t>(), o.ids.as<int32_t>(), count,
      o.slot_tokens.shape[0], o.slot_tokens.shape[1], o.slot_tokens.stride[0]);
  return launched("gather-tokens");
}

TRTLLM_CUDA_KERNELS(gather_tokens, {"gather-tokens", "gather-tokens.cuda", 0, nullptr, nullptr, launch_gather_tokens, RowBits::fixed})

}  // namespace trtllm::cuda

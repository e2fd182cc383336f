#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_gather_tokens(const OpCall& call, LaunchContext&) {
  const auto o = GatherTokensArgs::from(call);
  const int32_t* slot = o.token_slot.as<int32_t>();
  const int32_t* position = o.positions.as<int32_t>();
  const int64_t slots = o.slot_tokens.shape[0], length = o.slot_tokens.shape[1];
  for (int64_t t = 0; t < o.ids.shape[0]; t++) {
    if (slot[t] < 0 || slot[t] >= slots || position[t] < 0 || position[t] >= length) {
      return Status::error(Code::invalid, "gather-tokens: token %lld is at slot %d position %d of %lld x %lld",
                           static_cast<long long>(t), slot[t], position[t], static_cast<long long>(slots),
                           static_cast<long long>(length));
    }
    o.ids.as<int32_t>()[t] = o.slot_tokens.as<int32_t>()[slot[t] * o.slot_tokens.stride[0] + position[t]];
  }
  return Status();
}

TRTLLM_CPU_KERNEL(gather_tokens, "gather-tokens", launch_gather_tokens)

}  // namespace ISA_NS
}  // namespace trtllm

#include "../../native/backend/cpu/elementwise.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

// One rank: a copy. A communicator between local ranks is not built yet.
static Status launch_all_gather(const OpCall& call, LaunchContext& context) {
  const auto o = AllGatherArgs::from(call);
  if (o.ranks != 1) {
    return Status::error(Code::unsupported,
                         "all-gather: %d ranks asked for; the CPU backend runs one rank (use tp_size 1)", o.ranks);
  }
  return map_rows("all-gather", o.x, o.y, context, [](Vec a) { return a; });
}

TRTLLM_CPU_KERNEL(all_gather, "all-gather", launch_all_gather)

}  // namespace ISA_NS
}  // namespace trtllm

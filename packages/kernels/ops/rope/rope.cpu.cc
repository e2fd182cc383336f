#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/rotary.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_rope(const OpCall& call, LaunchContext& context) {
  const auto o = RopeArgs::from(call);
  const int64_t heads = o.x.shape[1], dim = o.x.shape[2];
  RotaryStep step;
  TRTLLM_TRY(rotary_step("rope", o, dim, &step));
  return by_float("rope", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    context.pool->for_each(o.x.shape[0], row_grain(2 * heads * dim), [&](int64_t begin, int64_t end) {
      float cosine[kMaxRotaryHalf], sine[kMaxRotaryHalf];
      for (int64_t t = begin; t < end; t++) {
        step.table(t, cosine, sine);
        for (int64_t head = 0; head < heads; head++) {
          rotate_head(step.rule, static_cast<const T*>(row_of<T>(o.x, t) + head * o.x.stride[1]),
                      row_of<T>(o.y, t) + head * o.y.stride[1], dim, cosine, sine);
        }
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(rope, "rope", launch_rope)

}  // namespace ISA_NS
}  // namespace trtllm

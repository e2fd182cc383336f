#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/rms.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_rms_norm_add(const OpCall& call, LaunchContext& context) {
  const auto o = RmsNormAddArgs::from(call);
  const float* weight = o.weight.as<float>();
  return by_float("rms-norm-add", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const int64_t dim = o.x.shape[1];
    context.pool->for_each(o.x.shape[0], row_grain(dim), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) {
        rms_norm_add_row(row_of<T>(o.x, row), row_of<T>(o.y, row), weight, row_of<T>(o.sum, row), dim, o.eps);
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(rms_norm_add, "rms-norm-add", launch_rms_norm_add)

}  // namespace ISA_NS
}  // namespace trtllm

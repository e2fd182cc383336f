#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/rms.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_rms_norm_add_rms_norm(const OpCall& call, LaunchContext& context) {
  const auto o = RmsNormAddRmsNormArgs::from(call);
  const float* weight = o.weight.as<float>();
  const float* next_weight = o.next_weight.as<float>();
  return by_float("rms-norm-add-rms-norm", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const int64_t dim = o.x.shape[1];
    context.pool->for_each(o.x.shape[0], row_grain(dim), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) {
        T* total = row_of<T>(o.sum, row);
        rms_norm_add_row(row_of<T>(o.x, row), row_of<T>(o.y, row), weight, total, dim, o.eps);
        rms_norm_row(static_cast<const T*>(total), next_weight, row_of<T>(o.normed, row), dim, o.next_eps);
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(rms_norm_add_rms_norm, "rms-norm-add-rms-norm", launch_rms_norm_add_rms_norm)

}  // namespace ISA_NS
}  // namespace trtllm

#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/rms.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_head_rms_norm(const OpCall& call, LaunchContext& context) {
  const auto o = HeadRmsNormArgs::from(call);
  const int64_t heads = o.x.shape[1], dim = o.x.shape[2];
  const float* weight = o.weight.present() ? o.weight.as<float>() : nullptr;
  return by_float("head-rms-norm", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    context.pool->for_each(o.x.shape[0], row_grain(heads * dim), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; t++) {
        for (int64_t head = 0; head < heads; head++) {
          const T* x = row_of<T>(o.x, t) + head * o.x.stride[1];
          T* y = row_of<T>(o.y, t) + head * o.y.stride[1];
          if (weight != nullptr) {
            rms_norm_row(x, weight, y, dim, o.eps);
          } else {
            rms_norm_row(x, y, dim, o.eps);
          }
        }
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(head_rms_norm, "head-rms-norm", launch_head_rms_norm)

}  // namespace ISA_NS
}  // namespace trtllm

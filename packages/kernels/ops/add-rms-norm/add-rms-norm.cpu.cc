#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/rms.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

// The norm reads the rounded sum: fused and unfused plans give the same bits.
static Status launch_add_rms_norm(const OpCall& call, LaunchContext& context) {
  const auto o = AddRmsNormArgs::from(call);
  return by_float("add-rms-norm", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const int64_t dim = o.x.shape[1];
    context.pool->for_each(o.x.shape[0], row_grain(dim), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) {
        const T* x = row_of<T>(o.x, row);
        const T* y = row_of<T>(o.y, row);
        T* total = row_of<T>(o.sum, row);
        for_stretches(dim, [&](int64_t i, int n) {
          store_stretch(total + i, add(load_stretch(x + i, n), load_stretch(y + i, n)), n);
        });
        rms_norm_row(static_cast<const T*>(total), o.weight.template as<float>(), row_of<T>(o.normed, row), dim, o.eps);
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(add_rms_norm, "add-rms-norm", launch_add_rms_norm)

}  // namespace ISA_NS
}  // namespace trtllm

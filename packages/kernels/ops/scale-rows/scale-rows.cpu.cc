#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/vec.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_scale_rows(const OpCall& call, LaunchContext& context) {
  const auto o = ScaleRowsArgs::from(call);
  return by_float("scale-rows", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const int64_t dim = o.x.shape[1];
    context.pool->for_each(o.x.shape[0], row_grain(dim), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) {
        const Vec factor = set(*row_of<float>(o.factor, row));
        const T* x = row_of<T>(o.x, row);
        T* y = row_of<T>(o.y, row);
        for_stretches(dim, [&](int64_t i, int n) { store_stretch(y + i, mul(load_stretch(x + i, n), factor), n); });
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(scale_rows, "scale-rows", launch_scale_rows)

}  // namespace ISA_NS
}  // namespace trtllm

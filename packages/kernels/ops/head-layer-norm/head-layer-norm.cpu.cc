#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/layer-norm.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_head_layer_norm(const OpCall& call, LaunchContext& context) {
  const auto o = HeadLayerNormArgs::from(call);
  const int64_t heads = o.x.shape[1], dim = o.x.shape[2];
  const float* weight = o.weight.as<float>();
  return by_float("head-layer-norm", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    context.pool->for_each(o.x.shape[0], row_grain(heads * dim), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; t++) {
        for (int64_t head = 0; head < heads; head++) {
          const T* x = row_of<T>(o.x, t) + head * o.x.stride[1];
          T* y = row_of<T>(o.y, t) + head * o.y.stride[1];
          layer_norm_row<T>(x, weight + head * dim, nullptr, y, dim, o.eps);
        }
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(head_layer_norm, "head-layer-norm", launch_head_layer_norm)

}  // namespace ISA_NS
}  // namespace trtllm

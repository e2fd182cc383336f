#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/layer-norm.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_layer_norm(const OpCall& call, LaunchContext& context) {
  const auto o = LayerNormArgs::from(call);
  const float* weight = o.weight.as<float>();
  const float* bias = o.bias.present() ? o.bias.as<float>() : nullptr;
  return by_float("layer-norm", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const int64_t dim = o.x.shape[1];
    context.pool->for_each(o.x.shape[0], row_grain(dim), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) {
        layer_norm_row(row_of<T>(o.x, row), weight, bias, row_of<T>(o.y, row), dim, o.eps);
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(layer_norm, "layer-norm", launch_layer_norm)

}  // namespace ISA_NS
}  // namespace trtllm

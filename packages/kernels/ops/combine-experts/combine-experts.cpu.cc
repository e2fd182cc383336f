#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/vec.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_combine_experts(const OpCall& call, LaunchContext& context) {
  const auto o = CombineExpertsArgs::from(call);
  const int64_t tokens = o.place.shape[0], chosen = o.place.shape[1], dim = o.x.shape[1];
  for (int64_t t = 0; t < tokens; t++) {
    for (int64_t j = 0; j < chosen; j++) {
      const int32_t place = row_of<int32_t>(o.place, t)[j];
      if (place < 0 || place >= o.x.shape[0]) {
        return Status::error(Code::invalid, "combine-experts: token %lld asks for row %d of %lld",
                             static_cast<long long>(t), place, static_cast<long long>(o.x.shape[0]));
      }
    }
  }
  return by_float("combine-experts", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    context.pool->for_each(tokens, row_grain(dim * chosen), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; t++) {
        const int32_t* place = row_of<int32_t>(o.place, t);
        const float* weights = o.weights.present() ? row_of<float>(o.weights, t) : nullptr;
        T* y = row_of<T>(o.y, t);
        for_stretches(dim, [&](int64_t i, int n) {
          Vec sum = zero();
          for (int64_t j = 0; j < chosen; j++) {
            sum = fma(set(weights != nullptr ? weights[j] : 1.0f), load_stretch(row_of<T>(o.x, place[j]) + i, n), sum);
          }
          store_stretch(y + i, sum, n);
        });
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(combine_experts, "combine-experts", launch_combine_experts)

}  // namespace ISA_NS
}  // namespace trtllm

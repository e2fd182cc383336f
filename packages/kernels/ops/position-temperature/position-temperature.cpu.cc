#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_position_temperature(const OpCall& call, LaunchContext&) {
  const auto o = PositionTemperatureArgs::from(call);
  for (int64_t t = 0; t < o.positions.shape[0]; t++) {
    const float stretches = __builtin_floorf((static_cast<float>(o.positions.as<int32_t>()[t]) + 1.0f) / o.stretch);
    *row_of<float>(o.y, t) = 1.0f + o.strength * __builtin_log1pf(stretches);
  }
  return Status();
}

TRTLLM_CPU_KERNEL(position_temperature, "position-temperature", launch_position_temperature)

}  // namespace ISA_NS
}  // namespace trtllm

#include <cstring>

#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

// Records are few and short: one thread, in order.
static Status launch_apply_deltas(const OpCall& call, LaunchContext&) {
  const auto o = ApplyDeltasArgs::from(call);
  const int32_t* deltas = o.deltas.as<int32_t>();
  const int64_t count = *o.num_deltas.as<int32_t>();
  if (count < 0 || count > o.deltas.shape[0]) {
    return Status::error(Code::invalid, "apply-deltas: %lld records, room for %lld", static_cast<long long>(count),
                         static_cast<long long>(o.deltas.shape[0]));
  }
  const int64_t words = o.slots.shape[0], data_words = o.data.shape[0];
  for (int64_t i = 0; i < count; i++) {
    const int64_t to = deltas[3 * i], length = deltas[3 * i + 1], from = deltas[3 * i + 2];
    if (length < 0 || to < 0 || from < 0 || to + length > words || from + length > data_words) {
      return Status::error(Code::invalid,
                           "apply-deltas: record %lld copies %lld words from %lld to %lld; data has %lld, state %lld",
                           static_cast<long long>(i), static_cast<long long>(length), static_cast<long long>(from),
                           static_cast<long long>(to), static_cast<long long>(data_words),
                           static_cast<long long>(words));
    }
    memcpy(o.slots.as<int32_t>() + to, o.data.as<int32_t>() + from, static_cast<size_t>(length) * 4);
  }
  return Status();
}

TRTLLM_CPU_KERNEL(apply_deltas, "apply-deltas", launch_apply_deltas)

}  // namespace ISA_NS
}  // namespace trtllm

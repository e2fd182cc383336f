// state[to + i] = data[from + i] for each record (to, length, from). One block a record, grid stride over the records in
// use; records write disjoint stretches, so their order does not matter. Bad records are skipped.
#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

__global__ void __launch_bounds__(128) apply_deltas_kernel(const int32_t* deltas, const int32_t* num_deltas, const int32_t* data,
                                                           int32_t* state, int64_t capacity, int64_t data_words,
                                                           int64_t words) {
  const int64_t asked = *num_deltas;
  const int64_t count = asked < capacity ? asked : capacity;
  for (int64_t record = blockIdx.x; record < count; record += gridDim.x) {
    const int64_t to = deltas[3 * record], length = deltas[3 * record + 1], from = deltas[3 * record + 2];
    if (length < 0 || to < 0 || from < 0 || to + length > words || from + length > data_words) continue;
    for (int64_t i = threadIdx.x; i < length; i += blockDim.x) state[to + i] = data[from + i];
  }
}

static Status launch_apply_deltas(const OpCall& call, LaunchContext& context) {
  const auto o = ApplyDeltasArgs::from(call);
  const int64_t capacity = o.deltas.shape[0];
  if (capacity == 0) return Status();
  const int64_t blocks = capacity < 512 ? capacity : 512;
  apply_deltas_kernel<<<static_cast<unsigned>(blocks), 128, 0, stream_of(context)>>>(
      o.deltas.as<int32_t>(), o.num_deltas.as<int32_t>(), o.data.as<int32_t>(), o.slots.as<int32_t>(), capacity,
      o.data.shape[0], o.slots.shape[0]);
  return launched("apply-deltas");
}

TRTLLM_CUDA_KERNELS(apply_deltas, {"apply-deltas", "apply-deltas.cuda", 0, nullptr, nullptr, launch_apply_deltas, RowBits::fixed})

}  // namespace trtllm::cuda

#include "step-chains.h"

namespace trtllm {

Status StepChains::make(std::shared_ptr<Device> device, StreamState* stream, const StepNodes& nodes, const StepSizes& sizes, const Bases& bases,
                        std::shared_ptr<StepChains>* out) {
  const Backend& backend = device->backend();
  DeviceState* state = device->state();
  std::shared_ptr<StepChains> made(new StepChains(device, sizes, bases));
  for (int node = 0; node < nodes.count;) {
    Chain chain{node, 0, nullptr, nullptr};
    uint64_t bytes = 0;
    TRTLLM_TRY(backend.make_chain(state, nodes, node, &chain.state, &chain.count, &bytes));
    if (chain.state == nullptr) {
      node++;
      continue;
    }
    made->chains_.push_back(chain);  // owned from here on
    const Status allocated = Buffer::allocate(device, bytes, "plan chain", &made->chains_.back().memory);
    if (allocated.code == Code::out_of_memory) {
      made->forget();  // nodes run one by one instead
      break;
    }
    TRTLLM_TRY(allocated);
    TRTLLM_TRY(backend.place_chain(state, stream, chain.state, made->chains_.back().memory->data()));
    node += chain.count;
  }
  *out = std::move(made);
  return Status();
}

void StepChains::forget() {
  for (const Chain& chain : chains_) device_->backend().destroy_chain(chain.state);
  chains_.clear();
}

}  // namespace trtllm

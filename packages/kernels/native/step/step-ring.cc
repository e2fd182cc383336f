#include "step-ring.h"

namespace trtllm {

Status StepRing::create(std::shared_ptr<Device> device, int64_t slab_words, int64_t result_words, int depth,
                        std::shared_ptr<StepRing>* out) {
  constexpr int64_t kMaxWords = int64_t{1} << 32;
  if (depth < 1 || depth > 64 || slab_words < 0 || result_words < 0 || slab_words > kMaxWords ||
      result_words > kMaxWords) {
    return Status::error(Code::invalid, "step ring of %d x (%lld + %lld words): expected 1 to 64 entries", depth,
                         static_cast<long long>(slab_words), static_cast<long long>(result_words));
  }
  const auto slab_bytes = static_cast<uint64_t>(slab_words) * 4, result_bytes = static_cast<uint64_t>(result_words) * 4;
  auto ring = std::make_shared<StepRing>();
  ring->device_ = device;
  for (int i = 0; i < depth; i++) {
    std::shared_ptr<HostMemoryBlock> slab, results;
    TRTLLM_TRY(HostMemoryBlock::allocate(device, slab_bytes, &slab));
    TRTLLM_TRY(HostMemoryBlock::allocate(device, result_bytes, &results));
    ring->slabs_.push_back(std::move(slab));
    ring->results_.push_back(std::move(results));
  }
  if (device->memory() != MemoryKind::host) {
    TRTLLM_TRY(Buffer::allocate(device, slab_bytes, "step slab", &ring->device_slab_));
    TRTLLM_TRY(Buffer::allocate(device, result_bytes, "step results", &ring->device_results_));
  }
  *out = std::move(ring);
  return Status();
}

Status StepRing::enqueue_slab_copy(StreamState* stream, int entry) const {
  if (device_slab_ == nullptr) return Status();
  return device_->backend().copy(device_->state(), stream, device_slab_->data(), slab(entry)->data(), slab_bytes(),
                                 CopyKind::host_to_device);
}

Status StepRing::enqueue_result_copy(StreamState* stream, int entry) const {
  if (device_results_ == nullptr) return Status();
  return device_->backend().copy(device_->state(), stream, results(entry)->data(), device_results_->data(),
                                 result_bytes(), CopyKind::device_to_host);
}

}  // namespace trtllm

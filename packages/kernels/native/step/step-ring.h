#pragma once
#include <memory>
#include <vector>

#include "../backend/buffer.h"

namespace trtllm {

// Slabs and results of the steps in flight. Host memory is per entry; where the device has its own memory one slab and
// one result area serve all entries, since steps run in order on one stream.
class StepRing {
 public:
  static Status create(std::shared_ptr<Device> device, int64_t slab_words, int64_t result_words, int depth,
                       std::shared_ptr<StepRing>* out);

  const std::shared_ptr<Device>& device() const { return device_; }
  int depth() const { return static_cast<int>(slabs_.size()); }
  uint64_t slab_bytes() const { return slabs_[0]->bytes(); }
  uint64_t result_bytes() const { return results_[0]->bytes(); }
  const std::shared_ptr<HostMemoryBlock>& slab(int entry) const { return slabs_[static_cast<size_t>(entry)]; }
  const std::shared_ptr<HostMemoryBlock>& results(int entry) const { return results_[static_cast<size_t>(entry)]; }

  // Addresses that kernels use.
  char* device_slab(int entry) const { return device_slab_ ? device_slab_->data() : slab(entry)->data(); }
  char* device_results(int entry) const { return device_results_ ? device_results_->data() : results(entry)->data(); }

  Status enqueue_slab_copy(StreamState* stream, int entry) const;
  Status enqueue_result_copy(StreamState* stream, int entry) const;

 private:
  std::shared_ptr<Device> device_;
  std::vector<std::shared_ptr<HostMemoryBlock>> slabs_, results_;
  std::shared_ptr<Buffer> device_slab_, device_results_;  // null where host memory is device memory
};

}  // namespace trtllm

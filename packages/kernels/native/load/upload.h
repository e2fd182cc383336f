#pragma once
#include <memory>

#include "../backend/buffer.h"

namespace trtllm {

// Streams host data to a device through two pinned blocks: one is filled while the other is copied.
// One user at a time.
class Upload {
 public:
  static constexpr int64_t kBlockBytes = 16 << 20;

  static Status open(std::shared_ptr<Device> device, std::unique_ptr<Upload>* out);
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // A block of kBlockBytes to fill, once its last copy is done.
  Status next_block(char** out);
  // Enqueues the copy of the block just filled.
  Status send(void* to, int64_t bytes);
  Status finish();

 private:
  explicit Upload(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  std::shared_ptr<Device> device_;
  StreamState* stream_ = nullptr;
  std::shared_ptr<HostMemoryBlock> blocks_[2];
  EventState* copied_[2] = {nullptr, nullptr};
  bool busy_[2] = {false, false};
  int current_ = 1;
};

}  // namespace trtllm

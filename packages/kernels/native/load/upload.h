#pragma once
#include <memory>

#include "../backend/backend.h"

namespace trtllm {

// Streams host data to a device through two pinned blocks: one is filled while the other is copied. A device keeps one
// (Device::upload), because pinning costs milliseconds and a checkpoint has hundreds of tensors. One user at a time.
class Upload {
 public:
  static constexpr int64_t kBlockBytes = 8 << 20;

  static Status open(const Backend& backend, DeviceState* device, std::unique_ptr<Upload>* out);
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // A block of kBlockBytes to fill, once its last copy is done.
  Status next_block(char** out);
  // Enqueues the copy of the block just filled.
  Status send(void* to, int64_t bytes);
  Status finish();

 private:
  Upload(const Backend& backend, DeviceState* device) : backend_(backend), device_(device) {}

  const Backend& backend_;
  DeviceState* device_;
  StreamState* stream_ = nullptr;
  void* blocks_[2] = {nullptr, nullptr};
  EventState* copied_[2] = {nullptr, nullptr};
  bool busy_[2] = {false, false};
  int current_ = 1;
};

}  // namespace trtllm

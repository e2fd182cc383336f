#include "upload.h"

namespace trtllm {

Status Upload::open(std::shared_ptr<Device> device, std::unique_ptr<Upload>* out) {
  std::unique_ptr<Upload> upload(new Upload(device));
  const Backend& backend = device->backend();
  TRTLLM_TRY(backend.open_stream(device->state(), &upload->stream_));
  for (int i = 0; i < 2; i++) {
    TRTLLM_TRY(HostMemoryBlock::allocate(device, kBlockBytes, &upload->blocks_[i]));
    TRTLLM_TRY(backend.create_event(device->state(), &upload->copied_[i]));
  }
  *out = std::move(upload);
  return Status();
}

Upload::~Upload() {
  const Backend& backend = device_->backend();
  if (stream_ != nullptr) backend.synchronize(device_->state(), stream_);  // copies read the blocks
  for (EventState* event : copied_) {
    if (event != nullptr) backend.destroy_event(device_->state(), event);
  }
  if (stream_ != nullptr) backend.close_stream(device_->state(), stream_);
}

Status Upload::next_block(char** out) {
  current_ = 1 - current_;
  if (busy_[current_]) TRTLLM_TRY(device_->backend().wait_event(device_->state(), copied_[current_]));
  busy_[current_] = false;
  *out = blocks_[current_]->data();
  return Status();
}

Status Upload::send(void* to, int64_t bytes) {
  const Backend& backend = device_->backend();
  TRTLLM_TRY(backend.copy(device_->state(), stream_, to, blocks_[current_]->data(), static_cast<uint64_t>(bytes),
                          CopyKind::host_to_device));
  TRTLLM_TRY(backend.record_event(device_->state(), stream_, copied_[current_]));
  busy_[current_] = true;
  return Status();
}

Status Upload::finish() { return device_->backend().synchronize(device_->state(), stream_); }

}  // namespace trtllm

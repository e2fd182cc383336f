#include "upload.h"

namespace trtllm {

Status Upload::open(const Backend& backend, DeviceState* device, std::unique_ptr<Upload>* out) {
  std::unique_ptr<Upload> upload(new Upload(backend, device));
  TRTLLM_TRY(backend.open_stream(device, &upload->stream_));
  for (int i = 0; i < 2; i++) {
    TRTLLM_TRY(backend.allocate_host(device, kBlockBytes, &upload->blocks_[i]));
    TRTLLM_TRY(backend.create_event(device, &upload->copied_[i]));
  }
  *out = std::move(upload);
  return Status();
}

Upload::~Upload() {
  if (stream_ != nullptr) backend_.synchronize(device_, stream_);  // copies read the blocks
  for (int i = 0; i < 2; i++) {
    if (copied_[i] != nullptr) backend_.destroy_event(device_, copied_[i]);
    if (blocks_[i] != nullptr) backend_.release_host(device_, blocks_[i]);
  }
  if (stream_ != nullptr) backend_.close_stream(device_, stream_);
}

Status Upload::next_block(char** out) {
  current_ = 1 - current_;
  if (busy_[current_]) TRTLLM_TRY(backend_.wait_event(device_, copied_[current_]));
  busy_[current_] = false;
  *out = static_cast<char*>(blocks_[current_]);
  return Status();
}

Status Upload::send(void* to, int64_t bytes) {
  TRTLLM_TRY(backend_.copy(device_, stream_, to, blocks_[current_], static_cast<uint64_t>(bytes),
                           CopyKind::host_to_device));
  TRTLLM_TRY(backend_.record_event(device_, stream_, copied_[current_]));
  busy_[current_] = true;
  return Status();
}

Status Upload::finish() { return backend_.synchronize(device_, stream_); }

}  // namespace trtllm

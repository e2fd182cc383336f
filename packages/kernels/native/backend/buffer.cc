#include "buffer.h"

#include <cstring>

namespace trtllm {

Status Buffer::allocate(std::shared_ptr<Device> device, uint64_t bytes, std::string label,
                        std::shared_ptr<Buffer>* out) {
  void* data = nullptr;
  const Status status = device->backend().allocate(device->state(), bytes, &data);
  if (!status.ok()) return Status::error(status.code, "%s: %s", label.c_str(), status.message);
  device->count_allocation(static_cast<int64_t>(bytes));
  out->reset(new Buffer(std::move(device), data, bytes, std::move(label)));
  return Status();
}

Buffer::~Buffer() {
  device_->backend().release(device_->state(), data_);
  device_->count_release(static_cast<int64_t>(bytes_));
}

Status Buffer::check_range(const char* what, uint64_t offset, uint64_t bytes) const {
  if (offset <= bytes_ && bytes <= bytes_ - offset) return Status();
  return Status::error(Code::invalid, "%s: bytes %llu to %llu of buffer '%s', which has %llu", what,
                       static_cast<unsigned long long>(offset), static_cast<unsigned long long>(offset + bytes),
                       label_.c_str(), static_cast<unsigned long long>(bytes_));
}

Status HostMemoryBlock::allocate(std::shared_ptr<Device> device, uint64_t bytes,
                                 std::shared_ptr<HostMemoryBlock>* out) {
  void* data = nullptr;
  TRTLLM_TRY(device->backend().allocate_host(device->state(), bytes, &data));
  memset(data, 0, bytes);
  out->reset(new HostMemoryBlock(std::move(device), data, bytes));
  return Status();
}

HostMemoryBlock::~HostMemoryBlock() { device_->backend().release_host(device_->state(), data_); }

}  // namespace trtllm

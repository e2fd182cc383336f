#pragma once
#include <memory>
#include <string>

#include "device.h"

namespace trtllm {

// Bytes on a device, released with the last owner: a plan that uses a buffer keeps it.
class Buffer {
 public:
  static Status allocate(std::shared_ptr<Device> device, uint64_t bytes, std::string label, std::shared_ptr<Buffer>* out);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  const std::shared_ptr<Device>& device() const { return device_; }
  char* data() const { return static_cast<char*>(data_); }
  uint64_t bytes() const { return bytes_; }
  const std::string& label() const { return label_; }

  // `invalid` when [offset, offset + bytes) reaches beyond the buffer.
  Status check_range(const char* what, uint64_t offset, uint64_t bytes) const;

 private:
  Buffer(std::shared_ptr<Device> device, void* data, uint64_t bytes, std::string label)
      : device_(std::move(device)), data_(data), bytes_(bytes), label_(std::move(label)) {}

  std::shared_ptr<Device> device_;
  void* data_;
  uint64_t bytes_;
  std::string label_;
};

// Host memory that the device copies from and to quickly (pinned on CUDA), zeroed.
class HostMemoryBlock {
 public:
  static Status allocate(std::shared_ptr<Device> device, uint64_t bytes, std::shared_ptr<HostMemoryBlock>* out);
  ~HostMemoryBlock();
  HostMemoryBlock(const HostMemoryBlock&) = delete;
  HostMemoryBlock& operator=(const HostMemoryBlock&) = delete;

  char* data() const { return static_cast<char*>(data_); }
  uint64_t bytes() const { return bytes_; }

 private:
  HostMemoryBlock(std::shared_ptr<Device> device, void* data, uint64_t bytes)
      : device_(std::move(device)), data_(data), bytes_(bytes) {}

  std::shared_ptr<Device> device_;
  void* data_;
  uint64_t bytes_;
};

}  // namespace trtllm

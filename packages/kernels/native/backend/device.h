#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "backend.h"

namespace trtllm {

class Upload;

// An opened device. Shared by everything made on it: it closes when the last buffer, plan, ring and executor is gone.
// Thread-safe; work given to `transfer_stream` (reads, writes and fills from JavaScript) is finished on return.
class Device {
 public:
  struct Counters {
    int64_t live_buffers, live_bytes, peak_bytes, launches;
  };

  // kind: "cpu", "null" or "cuda".
  static Status open(const std::string& kind, const OpenOptions& options, std::shared_ptr<Device>* out);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const Backend& backend() const { return *backend_; }
  DeviceState* state() const { return state_; }
  MemoryKind memory() const { return backend_->memory; }
  Status info(DeviceInfo* out) const { return backend_->info(state_, out); }
  Counters counters() const;

  Status write(void* to, const void* from, uint64_t bytes);
  Status read(void* to, const void* from, uint64_t bytes);
  Status fill(void* to, uint8_t value, uint64_t bytes);
  Status fill_gaussian(void* to, DType dtype, uint64_t count, double standard_deviation, uint64_t seed);

  // The way in for weights, made at first use; it is the caller's while `lock` is held.
  Status upload(std::unique_lock<std::mutex>* lock, Upload** out);

  void count_allocation(int64_t bytes);
  void count_release(int64_t bytes);
  void count_launches(int64_t launches) { launches_.fetch_add(launches, std::memory_order_relaxed); }

 private:
  Device(const Backend* backend, DeviceState* state);
  Status finish(Status work);

  const Backend* backend_;
  DeviceState* state_;
  StreamState* transfer_stream_ = nullptr;
  std::mutex transfer_mutex_;
  std::unique_ptr<Upload> upload_;
  std::mutex upload_mutex_;
  std::atomic<int64_t> live_buffers_{0}, live_bytes_{0}, peak_bytes_{0}, launches_{0};
};

}  // namespace trtllm

#include "device.h"

#include "../load/upload.h"
#include "backends.h"
#include "cuda-library.h"

namespace trtllm {

static Status find_backend(const std::string& kind, const Backend** out) {
  if (kind == "cpu") {
    *out = cpu_backend();
  } else if (kind == "null") {
    *out = null_backend();
  } else if (kind == "cuda") {
    const CudaLibrary& cuda = cuda_library();
    if (cuda.backend == nullptr) return Status::error(Code::device, "no CUDA: %s", cuda.error.c_str());
    *out = cuda.backend;
  } else {
    return Status::error(Code::invalid, "device '%s': expected cpu, cuda, cuda:N or null", kind.c_str());
  }
  return Status();
}

Status Device::open(const std::string& kind, const OpenOptions& options, std::shared_ptr<Device>* out) {
  const Backend* backend = nullptr;
  TRTLLM_TRY(find_backend(kind, &backend));
  DeviceState* state = nullptr;
  TRTLLM_TRY(backend->open(options, &state));
  std::shared_ptr<Device> device(new Device(backend, state));
  TRTLLM_TRY(backend->open_stream(state, &device->transfer_stream_));
  *out = std::move(device);
  return Status();
}

Device::Device(const Backend* backend, DeviceState* state) : backend_(backend), state_(state) {}

Device::~Device() {
  upload_.reset();
  if (transfer_stream_ != nullptr) backend_->close_stream(state_, transfer_stream_);
  backend_->close(state_);
}

Device::Counters Device::counters() const {
  return {live_buffers_.load(), live_bytes_.load(), peak_bytes_.load(), launches_.load()};
}

Status Device::upload(std::unique_lock<std::mutex>* lock, Upload** out) {
  *lock = std::unique_lock(upload_mutex_);
  if (!upload_) TRTLLM_TRY(Upload::open(*backend_, state_, &upload_));
  *out = upload_.get();
  return Status();
}

void Device::count_allocation(int64_t bytes) {
  live_buffers_.fetch_add(1);
  const int64_t live = live_bytes_.fetch_add(bytes) + bytes;
  int64_t peak = peak_bytes_.load();
  while (live > peak && !peak_bytes_.compare_exchange_weak(peak, live)) {
  }
}

void Device::count_release(int64_t bytes) {
  live_buffers_.fetch_sub(1);
  live_bytes_.fetch_sub(bytes);
}

Status Device::finish(Status work) {
  if (!work.ok()) return work;
  return backend_->synchronize(state_, transfer_stream_);
}

Status Device::write(void* to, const void* from, uint64_t bytes) {
  std::lock_guard<std::mutex> lock(transfer_mutex_);
  return finish(backend_->copy(state_, transfer_stream_, to, from, bytes, CopyKind::host_to_device));
}

Status Device::read(void* to, const void* from, uint64_t bytes) {
  std::lock_guard<std::mutex> lock(transfer_mutex_);
  return finish(backend_->copy(state_, transfer_stream_, to, from, bytes, CopyKind::device_to_host));
}

Status Device::fill(void* to, uint8_t value, uint64_t bytes) {
  std::lock_guard<std::mutex> lock(transfer_mutex_);
  return finish(backend_->fill(state_, transfer_stream_, to, value, bytes));
}

Status Device::fill_gaussian(void* to, DType dtype, uint64_t count, double standard_deviation, uint64_t seed) {
  std::lock_guard<std::mutex> lock(transfer_mutex_);
  return finish(backend_->fill_gaussian(state_, transfer_stream_, to, dtype, count, standard_deviation, seed));
}

}  // namespace trtllm

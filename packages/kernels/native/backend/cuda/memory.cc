#include "memory.h"

#include <cstdio>

namespace trtllm::cuda {

Status allocate(DeviceState* device, uint64_t bytes, void** out) {
  *out = nullptr;
  TRTLLM_TRY(use(device));
  char action[64];
  snprintf(action, sizeof action, "allocating %llu bytes", static_cast<unsigned long long>(bytes));
  return status_of(cudaMalloc(out, bytes > 0 ? bytes : 1), action);
}

void release(DeviceState* device, void* memory) {
  if (memory != nullptr && use(device).ok()) cudaFree(memory);
}

Status allocate_host(DeviceState* device, uint64_t bytes, void** out) {
  *out = nullptr;
  TRTLLM_TRY(use(device));
  char action[64];
  snprintf(action, sizeof action, "pinning %llu host bytes", static_cast<unsigned long long>(bytes));
  return status_of(cudaHostAlloc(out, bytes > 0 ? bytes : 1, cudaHostAllocPortable), action);
}

void release_host(DeviceState* device, void* memory) {
  if (memory != nullptr && use(device).ok()) cudaFreeHost(memory);
}

Status copy(DeviceState* device, StreamState* stream, void* destination, const void* source, uint64_t bytes,
            CopyKind kind) {
  if (bytes == 0) return Status();
  TRTLLM_TRY(use(device));
  const cudaMemcpyKind direction = kind == CopyKind::host_to_device   ? cudaMemcpyHostToDevice
                                   : kind == CopyKind::device_to_host ? cudaMemcpyDeviceToHost
                                                                      : cudaMemcpyDeviceToDevice;
  return status_of(cudaMemcpyAsync(destination, source, bytes, direction, stream->handle), "copying");
}

Status fill(DeviceState* device, StreamState* stream, void* destination, uint8_t value, uint64_t bytes) {
  if (bytes == 0) return Status();
  TRTLLM_TRY(use(device));
  return status_of(cudaMemsetAsync(destination, value, bytes, stream->handle), "filling");
}

}  // namespace trtllm::cuda

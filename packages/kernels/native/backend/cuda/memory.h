#pragma once
#include "device.h"

namespace trtllm::cuda {

Status allocate(DeviceState*, uint64_t bytes, void** out);
void release(DeviceState*, void*);
Status allocate_host(DeviceState*, uint64_t bytes, void** out);
void release_host(DeviceState*, void*);
Status copy(DeviceState*, StreamState*, void* destination, const void* source, uint64_t bytes, CopyKind);
Status fill(DeviceState*, StreamState*, void* destination, uint8_t value, uint64_t bytes);

}  // namespace trtllm::cuda

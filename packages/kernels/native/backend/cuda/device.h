#pragma once
#include <cuda_runtime.h>

#include "../backend.h"

namespace trtllm {

struct DeviceState {
  int ordinal = 0;
};

struct StreamState {
  cudaStream_t handle = nullptr;
};

struct EventState {
  cudaEvent_t handle = nullptr;
};

struct GraphState {
  cudaGraphExec_t handle = nullptr;
};

namespace cuda {

// A CUDA error as a Status; `action` says what was being done.
Status status_of(cudaError_t error, const char* action);

// Makes the device current on the calling thread: every function of the table starts with it, so that any host thread
// may call in.
Status use(const DeviceState* device);

Status fill_gaussian(DeviceState*, StreamState*, void* destination, DType, uint64_t count, double standard_deviation,
                     uint64_t seed);

}  // namespace cuda
}  // namespace trtllm

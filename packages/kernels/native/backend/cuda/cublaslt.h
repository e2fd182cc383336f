#pragma once
#include <cuda_runtime.h>

#include "../../generated/op-args.h"

// cuBLASLt, opened at run time where it is installed.
namespace trtllm::cuda {

constexpr int64_t kCublasLtWorkspaceBytes = int64_t{32} << 20;

// Loads the library (once a process) and makes the device's handle: not allowed during a capture, hence at open. Without
// the library nothing happens.
void cublaslt_prepare(int ordinal);

// Runs y = x * weight^T + bias on the current device; false when the library is absent or has no algorithm for the call.
// Enqueues nothing then.
bool cublaslt_linear(const LinearArgs&, void* workspace, int64_t workspace_bytes, cudaStream_t, Status*);

}  // namespace trtllm::cuda

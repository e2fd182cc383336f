#pragma once
#include <cuda_runtime.h>

#include "../../core/status.h"
#include "../../core/tensor-ref.h"

// cuBLASLt, opened at run time where it is installed.
namespace trtllm::cuda {

constexpr int64_t kCublasLtWorkspaceBytes = int64_t{32} << 20;

// Loads the library (once a process) and makes the device's handle: not allowed during a capture, hence at open. Without
// the library nothing happens.
void cublaslt_prepare(int ordinal);

// y[rows, out] = x[rows, in] * weight[out, in]^T + bias. With x and weight in f8 there is a scale for each row of both.
struct CublasLtLinear {
  TensorRef x, weight, bias, y;  // bias may be absent
  const float* x_scale = nullptr;
  const float* weight_scale = nullptr;
};

// Runs it on the current device; false when the library is absent or has no algorithm for the call. Enqueues nothing then.
bool cublaslt_linear(const CublasLtLinear&, void* workspace, int64_t workspace_bytes, cudaStream_t, Status*);

}  // namespace trtllm::cuda

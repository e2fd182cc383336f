#pragma once
#include <cuda_runtime.h>

#include <trtllm/vector-io.cuh>

#include "../../core/kernel.h"

// What launch functions share: dispatch on the element type, grid sizes, and errors as Status.
namespace trtllm::cuda {

inline cudaStream_t stream_of(const LaunchContext& context) { return static_cast<cudaStream_t>(context.stream); }

// After each <<<>>>: a bad configuration, or an earlier kernel's fault, as a Status naming the op.
inline Status launched(const char* op) {
  const cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) return Status();
  return Status::error(Code::device, "%s: %s (%s)", op, cudaGetErrorString(error), cudaGetErrorName(error));
}

template <class F>
Status by_float(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f(static_cast<float*>(nullptr));
    case DType::f16: return f(static_cast<f16*>(nullptr));
    case DType::bf16: return f(static_cast<bf16*>(nullptr));
    default: return Status::error(Code::unsupported, "%s: %s operands; expected f32, f16 or bf16", op, dtype_name(dtype));
  }
}

// Blocks for `items`, one each; kernels stride by gridDim.x, so that more items than blocks is fine.
inline unsigned grid_of(int64_t items) {
  constexpr int64_t kMaxBlocks = 1 << 20;
  return static_cast<unsigned>(items < kMaxBlocks ? items : kMaxBlocks);
}

// Of the current device.
inline int multiprocessors() {
  int device = 0, count = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device);
  return count > 0 ? count : 1;
}

// Rows of `t` can be read in 16-byte packs.
inline bool rows_are_packed(const TensorRef& t) {
  return is_aligned(t.data) && t.stride[0] * dtype_bytes(t.dtype) % 16 == 0;
}

}  // namespace trtllm::cuda

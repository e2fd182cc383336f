#pragma once
#include "../../core/kernel.h"

// Registration of CUDA kernels, once in each ops/<op>/<op>.cuda.cu, inside namespace trtllm::cuda:
//   TRTLLM_CUDA_KERNELS(rms_norm, {"rms-norm", "rms-norm.cuda", 0, nullptr, nullptr, launch_rms_norm, RowBits::fixed})
// Several entries, comma separated, are variants: the highest rank whose `supports` accepts the call runs.
#define TRTLLM_CUDA_KERNELS(ident, ...)                           \
  extern const KernelEntry ident##_kernels[];                     \
  extern const int ident##_kernel_count;                          \
  const KernelEntry ident##_kernels[] = {__VA_ARGS__};            \
  const int ident##_kernel_count = sizeof ident##_kernels / sizeof(KernelEntry);

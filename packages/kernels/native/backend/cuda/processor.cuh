#pragma once
#include <cuda_runtime.h>

namespace trtllm::cuda {

struct Processor {
  int major, count;  // compute capability, multiprocessors
};

// Of the device that was current at the first call; those of a process are alike.
inline Processor processor() {
  static const Processor it = [] {
    int device = 0;
    Processor p{};
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&p.major, cudaDevAttrComputeCapabilityMajor, device);
    cudaDeviceGetAttribute(&p.count, cudaDevAttrMultiProcessorCount, device);
    return p;
  }();
  return it;
}

}  // namespace trtllm::cuda

#include "device.h"

namespace trtllm::cuda {

Status status_of(cudaError_t error, const char* action) {
  switch (error) {
    case cudaSuccess: return Status();
    case cudaErrorMemoryAllocation:
      cudaGetLastError();  // not sticky: later calls must not see it
      return Status::error(Code::out_of_memory, "CUDA: %s: out of memory", action);
    case cudaErrorInsufficientDriver: {
      int driver = 0;  // 0: none is installed
      if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
        return Status::error(Code::device, "CUDA: %s: no NVIDIA driver is installed; install driver 580 or later", action);
      }
      [[fallthrough]];
    }
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
      return Status::error(Code::driver_too_old,
                           "CUDA: %s: the NVIDIA driver is too old for the CUDA 13 runtime; install driver 580 or later",
                           action);
    case cudaErrorNoKernelImageForDevice:
      return Status::error(Code::unsupported,
                           "CUDA: %s: no machine code for this GPU; build with its architecture in TRTLLM_CUDA_ARCHS",
                           action);
    default:
      cudaGetLastError();
      return Status::error(Code::device, "CUDA: %s: %s (%s)", action, cudaGetErrorString(error), cudaGetErrorName(error));
  }
}

Status use(const DeviceState* device) { return status_of(cudaSetDevice(device->ordinal), "selecting the device"); }

}  // namespace trtllm::cuda

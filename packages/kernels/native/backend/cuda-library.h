#pragma once
#include <string>
#include <vector>

#include "backend.h"

namespace trtllm {

// libtrtllm_cuda.so, opened once a process and kept. `backend` is null when it is absent or does not load; `error` says
// why in a sentence.
struct CudaLibrary {
  std::string path;  // "" when none was found
  const Backend* backend = nullptr;
  std::string error = "libtrtllm_cuda.so was not built or installed";
  int runtime_version = 0;  // 13000 for CUDA 13.0; 0 unknown
  int num_devices = 0;
};

// Where to look, before the first use; later calls change nothing.
void set_cuda_library_path(const std::string& path);
const CudaLibrary& cuda_library();

// A library of NVIDIA's that is opened when it is there.
struct SystemLibrary {
  const char* name;  // "cublasLt", "nccl", "nvml", "driver"
  bool found = false;
  std::string version;  // "" unknown
  std::string error;
};

std::vector<SystemLibrary> probe_system_libraries();

}  // namespace trtllm

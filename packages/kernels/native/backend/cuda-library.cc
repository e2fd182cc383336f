#include "cuda-library.h"

#include <dlfcn.h>

#include <mutex>

namespace trtllm {
namespace {

std::mutex path_mutex;
std::string& library_path() {
  static std::string path;
  return path;
}

CudaLibrary open_cuda_library() {
  CudaLibrary library;
  {
    std::lock_guard<std::mutex> lock(path_mutex);
    library.path = library_path();
  }
  if (library.path.empty()) return library;
  // RTLD_NODELETE: CUDA registers exit handlers that must find their code.
  void* handle = dlopen(library.path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    const char* reason = dlerror();
    library.error = std::string("cannot load ") + (reason != nullptr ? reason : library.path.c_str());
    return library;
  }
  const auto entry = reinterpret_cast<const Backend* (*)(uint32_t)>(dlsym(handle, "trtllm_cuda_backend"));
  const Backend* backend = entry != nullptr ? entry(kBackendAbi) : nullptr;
  if (backend == nullptr || backend->abi != kBackendAbi) {
    library.error = library.path + " belongs to another version of @trtllm/kernels: build or install both together";
    return library;
  }
  if (const auto version = reinterpret_cast<int (*)()>(dlsym(handle, "trtllm_cuda_runtime_version"))) {
    library.runtime_version = version();
  }
  library.backend = backend;
  library.error.clear();
  library.num_devices = backend->device_count();
  return library;
}

}  // namespace

void set_cuda_library_path(const std::string& path) {
  std::lock_guard<std::mutex> lock(path_mutex);
  if (library_path().empty()) library_path() = path;
}

const CudaLibrary& cuda_library() {
  static const CudaLibrary library = open_cuda_library();
  return library;
}

}  // namespace trtllm

#include <dlfcn.h>

#include <initializer_list>

#include "cuda-library.h"

namespace trtllm {
namespace {

void* open_first(std::initializer_list<const char*> names, SystemLibrary& library) {
  for (const char* name : names) {
    if (void* handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE)) {
      library.found = true;
      library.error.clear();
      return handle;
    }
    const char* reason = dlerror();
    if (library.error.empty() && reason != nullptr) library.error = reason;
  }
  return nullptr;
}

template <class F>
F* symbol(void* handle, const char* name) {
  return handle != nullptr ? reinterpret_cast<F*>(dlsym(handle, name)) : nullptr;
}

std::string dotted(int major, int minor) { return std::to_string(major) + "." + std::to_string(minor); }

SystemLibrary probe_driver() {
  SystemLibrary library{.name = "driver"};
  void* handle = open_first({"libcuda.so.1", "libcuda.so"}, library);
  int version = 0;  // of CUDA that the driver can run: 13000 is 13.0
  if (const auto get = symbol<int(int*)>(handle, "cuDriverGetVersion"); get != nullptr && get(&version) == 0) {
    library.version = dotted(version / 1000, version % 1000 / 10);
  }
  return library;
}

SystemLibrary probe_cublas_lt() {
  SystemLibrary library{.name = "cublasLt"};
  void* handle = open_first({"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"}, library);
  if (const auto get = symbol<size_t()>(handle, "cublasLtGetVersion")) {
    const int version = static_cast<int>(get());
    const int scale = version >= 100000 ? 10000 : 1000;  // 130002 is 13.0.2, 12.x said 12 * 10000 too
    library.version = dotted(version / scale, version % scale / (scale / 100));
  }
  return library;
}

SystemLibrary probe_nccl() {
  SystemLibrary library{.name = "nccl"};
  void* handle = open_first({"libnccl.so.2", "libnccl.so"}, library);
  int version = 0;  // 22703 is 2.27.3
  if (const auto get = symbol<int(int*)>(handle, "ncclGetVersion"); get != nullptr && get(&version) == 0) {
    library.version = dotted(version / 10000, version / 100 % 100) + "." + std::to_string(version % 100);
  }
  return library;
}

SystemLibrary probe_nvml() {
  SystemLibrary library{.name = "nvml"};
  void* handle = open_first({"libnvidia-ml.so.1", "libnvidia-ml.so"}, library);
  const auto init = symbol<int()>(handle, "nvmlInit_v2");
  const auto shutdown = symbol<int()>(handle, "nvmlShutdown");
  const auto get = symbol<int(char*, unsigned)>(handle, "nvmlSystemGetDriverVersion");
  if (init == nullptr || shutdown == nullptr || get == nullptr) return library;
  if (init() != 0) {
    library.error = "nvmlInit failed: the NVIDIA kernel driver is not running";
    return library;
  }
  char version[96] = {0};
  if (get(version, sizeof version) == 0) library.version = version;
  shutdown();
  return library;
}

}  // namespace

std::vector<SystemLibrary> probe_system_libraries() {
  return {probe_driver(), probe_cublas_lt(), probe_nccl(), probe_nvml()};
}

}  // namespace trtllm

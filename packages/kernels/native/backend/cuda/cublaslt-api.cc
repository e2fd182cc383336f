#include <dlfcn.h>

#include <cstdint>

#include "cublaslt-api.h"

namespace trtllm::cuda::cublaslt {

template <class F>
static bool find(void* library, const char* name, F* function) {
  *function = reinterpret_cast<F>(dlsym(library, name));
  return *function != nullptr;
}

static const Api* load() {
  void* library = dlopen("libcublasLt.so.13", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) library = dlopen("libcublasLt.so.12", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  static Api api;
  const bool complete = find(library, "cublasLtCreate", &api.create) &&
                        find(library, "cublasLtMatmulDescCreate", &api.descriptor_create) &&
                        find(library, "cublasLtMatmulDescDestroy", &api.descriptor_destroy) &&
                        find(library, "cublasLtMatmulDescSetAttribute", &api.descriptor_set) &&
                        find(library, "cublasLtMatrixLayoutCreate", &api.layout_create) &&
                        find(library, "cublasLtMatrixLayoutDestroy", &api.layout_destroy) &&
                        find(library, "cublasLtMatmulPreferenceCreate", &api.preference_create) &&
                        find(library, "cublasLtMatmulPreferenceDestroy", &api.preference_destroy) &&
                        find(library, "cublasLtMatmulPreferenceSetAttribute", &api.preference_set) &&
                        find(library, "cublasLtMatmulAlgoGetHeuristic", &api.heuristic) &&
                        find(library, "cublasLtMatmul", &api.matmul);
  return complete ? &api : nullptr;
}

const Api* open_api() {
  static const Api* api = load();
  return api;
}

}  // namespace trtllm::cuda::cublaslt

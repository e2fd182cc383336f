#include "cublaslt.h"

#include <array>
#include <map>
#include <mutex>
#include <optional>

#include "cublaslt-api.h"

namespace trtllm::cuda {

using namespace cublaslt;

// Device, rows, in, out, three leading sizes, x type, y type, bias, workspace.
using Key = std::array<int64_t, 11>;

static std::mutex guard;
static std::map<int, Handle>& handles() {
  static auto* map = new std::map<int, Handle>;  // lives as long as the process: streams may outlast static destructors
  return *map;
}
static std::map<Key, std::optional<Algorithm>>& algorithms() {
  static auto* map = new std::map<Key, std::optional<Algorithm>>;
  return *map;
}

void cublaslt_prepare(int ordinal) {
  const Api* api = open_api();
  if (api == nullptr) return;
  const std::lock_guard lock(guard);
  if (handles().count(ordinal) != 0) return;
  Handle handle = nullptr;
  if (api->create(&handle) == kStatusSuccess) handles()[ordinal] = handle;
}

static cudaDataType type_of(DType dtype) {
  if (dtype == DType::f8) return CUDA_R_8F_E4M3;
  return dtype == DType::f32 ? CUDA_R_32F : dtype == DType::f16 ? CUDA_R_16F : CUDA_R_16BF;
}

// Row-major y[rows, out] is column-major [out, rows]: a = weight transposed, b = x as it lies.
struct Call {
  const Api& api;
  Descriptor descriptor = nullptr;
  MatrixLayout a = nullptr, b = nullptr, d = nullptr;

  ~Call() {
    if (descriptor != nullptr) api.descriptor_destroy(descriptor);
    for (MatrixLayout layout : {a, b, d}) {
      if (layout != nullptr) api.layout_destroy(layout);
    }
  }

  bool set(int attribute, const void* value, size_t bytes) {
    return api.descriptor_set(descriptor, attribute, value, bytes) == kStatusSuccess;
  }

  bool build(const CublasLtLinear& o) {
    const int transpose = kOperationTranspose, none = kOperationNone, epilogue = kEpilogueBias;
    const int64_t rows = o.x.shape[0], in = o.x.shape[1], out = o.y.shape[1];
    const cudaDataType in_type = type_of(o.x.dtype);
    if (api.descriptor_create(&descriptor, kCompute32F, CUDA_R_32F) != kStatusSuccess ||
        api.layout_create(&a, in_type, in, out, o.weight.stride[0]) != kStatusSuccess ||
        api.layout_create(&b, in_type, in, rows, o.x.stride[0]) != kStatusSuccess ||
        api.layout_create(&d, type_of(o.y.dtype), out, rows, o.y.stride[0]) != kStatusSuccess ||
        !set(kDescTransposeA, &transpose, sizeof transpose) || !set(kDescTransposeB, &none, sizeof none)) {
      return false;
    }
    if (o.x.dtype == DType::f8 && !set_scales(o)) return false;
    if (!o.bias.present()) return true;
    const int bias_type = type_of(o.bias.dtype);
    return set(kDescEpilogue, &epilogue, sizeof epilogue) &&
           set(kDescBiasPointer, &o.bias.data, sizeof o.bias.data) && set(kDescBiasType, &bias_type, sizeof bias_type);
  }

  // Sums of f8 products keep fewer bits in the tensor cores themselves: what engines serve with, and twice as fast.
  bool set_scales(const CublasLtLinear& o) {
    const int mode = kScaleForEachRow;
    const int8_t fast = 1;
    return set(kDescScaleModeA, &mode, sizeof mode) && set(kDescScaleModeB, &mode, sizeof mode) &&
           set(kDescScalePointerA, &o.weight_scale, sizeof o.weight_scale) &&
           set(kDescScalePointerB, &o.x_scale, sizeof o.x_scale) && set(kDescFastAccumulation, &fast, sizeof fast);
  }

  std::optional<Algorithm> choose(Handle handle, size_t workspace_bytes) {
    Preference preference = nullptr;
    if (api.preference_create(&preference) != kStatusSuccess) return std::nullopt;
    const uint32_t alignment = 16;
    bool ok = api.preference_set(preference, kPreferenceMaxWorkspaceBytes, &workspace_bytes, sizeof(uint64_t)) ==
              kStatusSuccess;
    for (int i = 0; i < 4; i++) {
      ok = ok && api.preference_set(preference, kPreferenceMinAlignmentA + i, &alignment, sizeof alignment) ==
                     kStatusSuccess;
    }
    HeuristicResult result = {};
    int returned = 0;
    ok = ok && api.heuristic(handle, descriptor, a, b, d, d, preference, 1, &result, &returned) == kStatusSuccess;
    api.preference_destroy(preference);
    if (!ok || returned < 1 || result.status != kStatusSuccess) return std::nullopt;
    return result.algorithm;
  }
};

static bool is_packed(const TensorRef& t) {
  return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.stride[0] * dtype_bytes(t.dtype) % 16 == 0;
}

bool cublaslt_linear(const CublasLtLinear& o, void* workspace, int64_t workspace_bytes, cudaStream_t stream, Status* status) {
  const Api* api = open_api();
  if (api == nullptr || !is_packed(o.x) || !is_packed(o.weight) || !is_packed(o.y)) return false;
  if (o.bias.present() && (o.bias.dtype != o.y.dtype || reinterpret_cast<uintptr_t>(o.bias.data) % 16 != 0)) return false;
  int ordinal = 0;
  if (cudaGetDevice(&ordinal) != cudaSuccess) return false;
  const Key key = {ordinal,       o.x.shape[0],       o.x.shape[1],       o.y.shape[1],
                   o.x.stride[0], o.weight.stride[0], o.y.stride[0],      static_cast<int64_t>(o.x.dtype),
                   static_cast<int64_t>(o.y.dtype),   o.bias.present(), workspace_bytes};
  Call call{*api};
  if (!call.build(o)) return false;
  Handle handle = nullptr;
  std::optional<Algorithm> algorithm;
  {
    const std::lock_guard lock(guard);
    const auto found = handles().find(ordinal);
    if (found == handles().end()) return false;
    handle = found->second;
    auto known = algorithms().find(key);
    if (known == algorithms().end()) {
      known = algorithms().emplace(key, call.choose(handle, static_cast<size_t>(workspace_bytes))).first;
    }
    algorithm = known->second;
  }
  if (!algorithm) return false;
  const float alpha = 1, beta = 0;
  const int result = api->matmul(handle, call.descriptor, &alpha, o.weight.data, call.a, o.x.data, call.b, &beta,
                                 o.y.data, call.d, o.y.data, call.d, &*algorithm, workspace,
                                 static_cast<size_t>(workspace_bytes), stream);
  if (result != kStatusSuccess) {
    *status = Status::error(Code::device, "linear: cublasLtMatmul failed with status %d (%lld x %lld x %lld)", result,
                            static_cast<long long>(o.x.shape[0]), static_cast<long long>(o.y.shape[1]),
                            static_cast<long long>(o.x.shape[1]));
  }
  return true;
}

}  // namespace trtllm::cuda

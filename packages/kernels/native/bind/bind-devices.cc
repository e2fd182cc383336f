#include "../backend/backends.h"
#include "../backend/cpu/isa.h"
#include "../backend/cuda-library.h"
#include "../backend/device.h"
#include "../load/load-matrix.h"
#include "bindings.h"
#include "handle.h"

namespace trtllm {
namespace {

Napi::Object device_info(Napi::Env env, const DeviceInfo& info) {
  auto out = Napi::Object::New(env);
  out["name"] = Napi::String::New(env, info.name);
  out["detail"] = Napi::String::New(env, info.detail);
  out["computeCapability"] = Napi::Number::New(env, info.compute_capability);
  out["units"] = Napi::Number::New(env, info.num_units);
  out["totalBytes"] = Napi::Number::New(env, static_cast<double>(info.total_bytes));
  out["freeBytes"] = Napi::Number::New(env, static_cast<double>(info.free_bytes));
  return out;
}

// (kind, ordinal, threads, isa, memoryBytes) -> device
Napi::Value open_device(const Napi::CallbackInfo& info) {
  const std::string kind = to_text(info[0], "kind");
  const std::string isa = to_text(info[3], "isa");
  OpenOptions options{};
  options.ordinal = to_int(info[1], "device number");
  options.num_threads = to_int(info[2], "threads");
  options.isa = isa.c_str();
  options.memory_bytes = to_size(info[4], "memoryBytes");
  std::shared_ptr<Device> device;
  check(Device::open(kind, options, &device));
  return wrap(info.Env(), std::move(device));
}

Napi::Value read_device_info(const Napi::CallbackInfo& info) {
  DeviceInfo about;
  check(unwrap<Device>(info[0])->info(&about));
  return device_info(info.Env(), about);
}

Napi::Value device_counters(const Napi::CallbackInfo& info) {
  const Device::Counters counters = unwrap<Device>(info[0])->counters();
  auto out = Napi::Object::New(info.Env());
  out["liveBuffers"] = Napi::Number::New(info.Env(), static_cast<double>(counters.live_buffers));
  out["liveBytes"] = Napi::Number::New(info.Env(), static_cast<double>(counters.live_bytes));
  out["peakBytes"] = Napi::Number::New(info.Env(), static_cast<double>(counters.peak_bytes));
  out["launches"] = Napi::Number::New(info.Env(), static_cast<double>(counters.launches));
  return out;
}

Napi::Value matrix_layout(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), layout_name(unwrap<Device>(info[0])->backend().matrix_layout));
}

// (device, dtype, rows, columns)
Napi::Value matrix_size(const Napi::CallbackInfo& info) {
  const Layout layout = unwrap<Device>(info[0])->backend().matrix_layout;
  const auto rows = static_cast<int64_t>(to_size(info[2], "rows"));
  const auto columns = static_cast<int64_t>(to_size(info[3], "columns"));
  return Napi::Number::New(info.Env(), static_cast<double>(matrix_bytes(layout, to_dtype(info[1]), rows, columns)));
}

Napi::Value cpu_isa(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int count = 0;
  const Isa* all = isas(&count);
  auto names = Napi::Array::New(env);
  for (int i = 0; i < count; i++) {
    if (all[i].supported()) names[names.Length()] = Napi::String::New(env, all[i].name);
  }
  auto out = Napi::Object::New(env);
  out["best"] = names.Get(names.Length() - 1);
  out["all"] = names;
  return out;
}

Napi::Value use_cuda_library(const Napi::CallbackInfo& info) {
  set_cuda_library_path(to_text(info[0], "path"));
  return info.Env().Undefined();
}

Napi::Value cuda_status(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const CudaLibrary& cuda = cuda_library();
  auto libraries = Napi::Array::New(env);
  for (const SystemLibrary& library : probe_system_libraries()) {
    auto entry = Napi::Object::New(env);
    entry["name"] = Napi::String::New(env, library.name);
    entry["found"] = Napi::Boolean::New(env, library.found);
    if (!library.version.empty()) entry["version"] = Napi::String::New(env, library.version);
    if (!library.error.empty()) entry["error"] = Napi::String::New(env, library.error);
    libraries[libraries.Length()] = entry;
  }
  auto out = Napi::Object::New(env);
  out["path"] = Napi::String::New(env, cuda.path);
  out["loaded"] = Napi::Boolean::New(env, cuda.backend != nullptr);
  out["error"] = Napi::String::New(env, cuda.error);
  out["runtimeVersion"] = Napi::Number::New(env, cuda.runtime_version);
  out["devices"] = Napi::Number::New(env, cuda.num_devices);
  out["libraries"] = libraries;
  return out;
}

}  // namespace

void bind_devices(Napi::Env env, Napi::Object exports) {
  add_function<open_device>(env, exports, "openDevice");
  add_function<read_device_info>(env, exports, "deviceInfo");
  add_function<device_counters>(env, exports, "deviceCounters");
  add_function<matrix_layout>(env, exports, "matrixLayout");
  add_function<matrix_size>(env, exports, "matrixBytes");
  add_function<cpu_isa>(env, exports, "cpuIsa");
  add_function<use_cuda_library>(env, exports, "useCudaLibrary");
  add_function<cuda_status>(env, exports, "cudaStatus");
}

}  // namespace trtllm

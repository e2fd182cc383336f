#pragma once
#include <napi.h>

#include "convert-values.h"

// Each file of this folder adds its functions to the addon's exports.
namespace trtllm {

void bind_devices(Napi::Env env, Napi::Object exports);
void bind_buffers(Napi::Env env, Napi::Object exports);
void bind_files(Napi::Env env, Napi::Object exports);
void bind_plans(Napi::Env env, Napi::Object exports);
void bind_steps(Napi::Env env, Napi::Object exports);

// Runs `function`; whatever it throws becomes a pending JavaScript exception, or nothing when the environment is
// ending and takes none. HAZARD: node-addon-api's own wrapper throws in that case, which would end the process.
napi_value run_guarded(napi_env env, napi_callback_info raw, Napi::Value (*function)(const Napi::CallbackInfo&));

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void add_function(Napi::Env env, Napi::Object exports, const char* name) {
  const auto entry = [](napi_env env, napi_callback_info raw) { return run_guarded(env, raw, function); };
  napi_value value = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, entry, nullptr, &value);
  exports.Set(name, value);
}

}  // namespace trtllm

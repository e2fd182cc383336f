#include "bindings.h"

#include <exception>
#include <new>

namespace trtllm {

// No call here throws; a status other than ok means that the environment is ending.
static void throw_in_javascript(napi_env env, Code code, const char* text) {
  napi_value message, error, number;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok) return;
  if (napi_create_error(env, nullptr, message, &error) != napi_ok) return;
  if (napi_create_int32(env, static_cast<int>(code), &number) != napi_ok) return;
  napi_set_named_property(env, error, "nativeCode", number);
  napi_throw(env, error);
}

napi_value run_guarded(napi_env env, napi_callback_info raw, Napi::Value (*function)(const Napi::CallbackInfo&)) {
  try {
    const Napi::CallbackInfo info(env, raw);
    return function(info);
  } catch (const NativeError& error) {
    throw_in_javascript(env, error.status.code, error.status.message);
  } catch (const Napi::Error& error) {
    napi_throw(env, error.Value());
  } catch (const std::bad_alloc&) {
    throw_in_javascript(env, Code::out_of_memory, "the host is out of memory");
  } catch (const std::exception& error) {
    throw_in_javascript(env, Code::internal, error.what());
  }
  return nullptr;
}

}  // namespace trtllm

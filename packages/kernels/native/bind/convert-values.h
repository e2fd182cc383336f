#pragma once
#include <napi.h>

#include <string>

#include "../core/dtype.h"
#include "../core/status.h"
#include "../core/tensor-ref.h"

// JavaScript values to C++ ones. All throw NativeError.
namespace trtllm {

// Becomes a JavaScript Error with `nativeCode` at the edge of the addon (bindings.cc; src/native-error.ts reads it).
struct NativeError {
  Status status;
};

[[noreturn]] void throw_status(const Status& status);
void check(const Status& status);

// A whole number of at most 2^53.
int64_t to_integer(const Napi::Value& value, const char* what);
uint64_t to_size(const Napi::Value& value, const char* what);  // not negative
int to_int(const Napi::Value& value, const char* what);
std::string to_text(const Napi::Value& value, const char* what);
DType to_dtype(const Napi::Value& value);
Layout to_layout(const Napi::Value& value);
const char* layout_name(Layout layout);

// The bytes of an ArrayBufferView. HAZARD: valid until control returns to JavaScript.
struct ByteSpan {
  char* data;
  uint64_t bytes;
};
ByteSpan to_bytes(const Napi::Value& value, const char* what);

}  // namespace trtllm

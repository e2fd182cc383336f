#include "convert-values.h"

#include <cmath>

namespace trtllm {

void throw_status(const Status& status) { throw NativeError{status}; }

void check(const Status& status) {
  if (!status.ok()) throw_status(status);
}

int64_t to_integer(const Napi::Value& value, const char* what) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(std::fabs(number) <= 9007199254740992.0) || number != std::floor(number)) {
    throw_status(Status::error(Code::invalid, "%s: expected a whole number", what));
  }
  return static_cast<int64_t>(number);
}

uint64_t to_size(const Napi::Value& value, const char* what) {
  const int64_t number = to_integer(value, what);
  if (number < 0) {
    throw_status(Status::error(Code::invalid, "%s is %lld: expected 0 or more", what,
                               static_cast<long long>(number)));
  }
  return static_cast<uint64_t>(number);
}

int to_int(const Napi::Value& value, const char* what) {
  const int64_t number = to_integer(value, what);
  if (number < INT32_MIN || number > INT32_MAX) {
    throw_status(Status::error(Code::invalid, "%s is out of range", what));
  }
  return static_cast<int>(number);
}

std::string to_text(const Napi::Value& value, const char* what) {
  if (!value.IsString()) throw_status(Status::error(Code::invalid, "%s: expected a string", what));
  return value.As<Napi::String>().Utf8Value();
}

DType to_dtype(const Napi::Value& value) {
  const std::string name = to_text(value, "dtype");
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::i32, DType::u8, DType::f8, DType::i8}) {
    if (name == dtype_name(dtype)) return dtype;
  }
  throw_status(Status::error(Code::invalid, "dtype '%.40s': expected f32, f16, bf16, i32, u8, f8 or i8", name.c_str()));
}

Layout to_layout(const Napi::Value& value) {
  const std::string name = to_text(value, "layout");
  if (name == "strided") return Layout::strided;
  if (name == "panel") return Layout::panel;
  throw_status(Status::error(Code::invalid, "layout '%.40s': expected strided or panel", name.c_str()));
}

const char* layout_name(Layout layout) { return layout == Layout::panel ? "panel" : "strided"; }

ByteSpan to_bytes(const Napi::Value& value, const char* what) {
  if (value.IsTypedArray()) {
    const auto array = value.As<Napi::TypedArray>();
    return {static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset(), array.ByteLength()};
  }
  if (value.IsDataView()) {
    const auto view = value.As<Napi::DataView>();
    return {static_cast<char*>(view.Data()), view.ByteLength()};
  }
  throw_status(Status::error(Code::invalid, "%s: expected a typed array or DataView", what));
}

}  // namespace trtllm

#include "handle.h"

#include "convert-values.h"

namespace trtllm {

const char* name_of(HandleKind kind) {
  switch (kind) {
    case HandleKind::device: return "device";
    case HandleKind::buffer: return "buffer";
    case HandleKind::file: return "file";
    case HandleKind::plan: return "plan";
    case HandleKind::ring: return "step ring";
    case HandleKind::executor: return "executor";
  }
  return "?";
}

Napi::Value wrap_object(Napi::Env env, HandleKind kind, std::shared_ptr<void> object) {
  auto* handle = new Handle{kind, std::move(object)};
  return Napi::External<Handle>::New(env, handle, [](Napi::Env, Handle* dead) { delete dead; });
}

Handle& handle_of(const Napi::Value& value) {
  if (!value.IsExternal()) throw_status(Status::error(Code::invalid, "expected a native handle"));
  return *value.As<Napi::External<Handle>>().Data();
}

std::shared_ptr<void> unwrap_object(const Napi::Value& value, HandleKind kind) {
  const Handle& handle = handle_of(value);
  if (handle.kind != kind) {
    throw_status(Status::error(Code::invalid, "expected a %s, got a %s", name_of(kind), name_of(handle.kind)));
  }
  if (handle.object == nullptr) {
    throw_status(Status::error(Code::invalid, "the %s was disposed of", name_of(kind)));
  }
  return handle.object;
}

}  // namespace trtllm

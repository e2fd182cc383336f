#pragma once
#include <napi.h>

#include <memory>
#include <string>

#include "../core/dtype.h"
#include "../core/status.h"

// What JavaScript holds of a native object: an External that owns a shared reference until `release` or, failing that,
// garbage collection or the end of the environment. Every function here runs on the environment's own thread.
namespace trtllm {

class Device;
class Buffer;
class MappedFile;
class Plan;
class StepRing;
class BoundExecutor;

enum class HandleKind { device, buffer, file, plan, ring, executor };

template <class T> struct KindOf;
template <> struct KindOf<Device> { static constexpr auto kind = HandleKind::device; };
template <> struct KindOf<Buffer> { static constexpr auto kind = HandleKind::buffer; };
template <> struct KindOf<MappedFile> { static constexpr auto kind = HandleKind::file; };
template <> struct KindOf<Plan> { static constexpr auto kind = HandleKind::plan; };
template <> struct KindOf<StepRing> { static constexpr auto kind = HandleKind::ring; };
template <> struct KindOf<BoundExecutor> { static constexpr auto kind = HandleKind::executor; };

const char* name_of(HandleKind kind);

struct Handle {
  HandleKind kind;
  std::shared_ptr<void> object;  // null once released
};

Napi::Value wrap_object(Napi::Env env, HandleKind kind, std::shared_ptr<void> object);

// The handle behind a JavaScript value; throws when it is something else.
Handle& handle_of(const Napi::Value& value);

// Throws when the object was disposed of or is of another kind.
std::shared_ptr<void> unwrap_object(const Napi::Value& value, HandleKind kind);

template <class T>
Napi::Value wrap(Napi::Env env, std::shared_ptr<T> object) {
  return wrap_object(env, KindOf<T>::kind, std::move(object));
}

template <class T>
std::shared_ptr<T> unwrap(const Napi::Value& value) {
  return std::static_pointer_cast<T>(unwrap_object(value, KindOf<T>::kind));
}

}  // namespace trtllm

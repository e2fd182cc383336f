#include <cstring>

#include "../load/mapped-file.h"
#include "bindings.h"
#include "handle.h"

namespace trtllm {
namespace {

Napi::Value open_file(const Napi::CallbackInfo& info) {
  std::shared_ptr<MappedFile> file;
  check(MappedFile::open(to_text(info[0], "path"), &file));
  return wrap(info.Env(), std::move(file));
}

Napi::Value file_size(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(unwrap<MappedFile>(info[0])->size()));
}

// (file, offset, length) -> Uint8Array
Napi::Value read_file(const Napi::CallbackInfo& info) {
  const auto file = unwrap<MappedFile>(info[0]);
  const uint64_t offset = to_size(info[1], "offset"), length = to_size(info[2], "length");
  check(file->check_range(offset, length));
  auto copy = Napi::Uint8Array::New(info.Env(), length);
  if (length > 0) memcpy(copy.Data(), file->data() + offset, length);
  return copy;
}

}  // namespace

void bind_files(Napi::Env env, Napi::Object exports) {
  add_function<open_file>(env, exports, "openFile");
  add_function<file_size>(env, exports, "fileSize");
  add_function<read_file>(env, exports, "readFile");
}

}  // namespace trtllm

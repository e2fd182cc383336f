#pragma once
#include <cstdarg>
#include <cstdio>

namespace trtllm {

// Stable kinds of native failure; TypeScript turns them into typed errors (src/errors.ts).
enum class Code : int { ok = 0, invalid = 1, unsupported = 2, out_of_memory = 3, device = 4, io = 5, internal = 6, driver_too_old = 7 };

// Plain data, so that it may cross the boundary of the CUDA shared object. PERF: a plan makes one per node, so success
// writes five bytes and not 256.
struct Status {
  Code code;
  char message[252];

  [[gnu::always_inline]] Status() : code(Code::ok) { message[0] = 0; }
  [[gnu::always_inline]] bool ok() const { return code == Code::ok; }

  __attribute__((format(printf, 2, 3))) static Status error(Code code, const char* format, ...);
};

// HAZARD: files compiled once per ISA call the one copy that plain files emit; a copy of their own would carry their
// instructions into the shared symbol.
#ifndef ISA_NS
inline Status Status::error(Code code, const char* format, ...) {
  Status s;
  s.code = code;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(s.message, sizeof s.message, format, arguments);
  va_end(arguments);
  return s;
}
#endif

}  // namespace trtllm

#define TRTLLM_TRY(expression)                 \
  do {                                         \
    ::trtllm::Status status_ = (expression);   \
    if (!status_.ok()) return status_;         \
  } while (0)

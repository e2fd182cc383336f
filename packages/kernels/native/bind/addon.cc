#include "bindings.h"

// Loaded once per JavaScript environment (main thread and workers). Nothing here belongs to one environment alone: each
// handle is an External of its environment, and executors hook the end of theirs (bind-steps.cc).
static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  trtllm::bind_devices(env, exports);
  trtllm::bind_buffers(env, exports);
  trtllm::bind_files(env, exports);
  trtllm::bind_plans(env, exports);
  trtllm::bind_steps(env, exports);
  return exports;
}

NODE_API_MODULE(trtllm_kernels, initialize)

#pragma once
#include <napi.h>

#include <memory>

#include "../step/executor.h"

namespace trtllm {

// An Executor whose completions reach a JavaScript function on the thread of its environment:
//   (ticket, microseconds, idleMicroseconds, nativeCode, message, probes: ArrayBuffer[]) => void
// It keeps the event loop alive while steps are under way and no longer. All methods run on the environment's thread.
//
// At the end of the environment (process exit, worker.terminate() in the middle of a step) a hook waits for the running
// step, drops the others and stops the threads. HAZARD: hooks run last to first and Node frees the thread-safe function
// in one of its own, so ours must be added after the function is made.
class BoundExecutor {
 public:
  static std::shared_ptr<BoundExecutor> create(Napi::Env env, std::shared_ptr<Device> device,
                                               std::shared_ptr<StepRing> ring, Napi::Function on_done);
  ~BoundExecutor();
  BoundExecutor(const BoundExecutor&) = delete;
  BoundExecutor& operator=(const BoundExecutor&) = delete;

  // Throws for a step that does not fit; it is not submitted then.
  void submit(Napi::Env env, std::unique_ptr<Step> step);

  // Waits for what was submitted; its completions are still delivered.
  void close();

 private:
  explicit BoundExecutor(napi_env env) : env_(env) {}
  void stop(bool drain);
  void step_ended();

  static void deliver(napi_env env, napi_value on_done, void* self, void* step);
  static void function_ended(napi_env env, void* self, void* hint);
  static void environment_ends(void* self);

  napi_env env_;
  napi_threadsafe_function function_ = nullptr;
  std::unique_ptr<Executor> executor_;
  int64_t under_way_ = 0;
  bool hooked_ = false;
  std::shared_ptr<BoundExecutor> self_;  // until Node has done with the function
};

}  // namespace trtllm

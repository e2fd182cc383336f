#include "bound-executor.h"

#include <iterator>

#include "convert-values.h"

namespace trtllm {

std::shared_ptr<BoundExecutor> BoundExecutor::create(Napi::Env env, std::shared_ptr<Device> device,
                                                     std::shared_ptr<StepRing> ring, Napi::Function on_done) {
  std::shared_ptr<BoundExecutor> bound(new BoundExecutor(env));
  BoundExecutor* self = bound.get();
  const napi_status made = napi_create_threadsafe_function(env, on_done, nullptr, Napi::String::New(env, "trtllm.step"),
                                                           0, 1, self, function_ended, self, deliver, &self->function_);
  if (made != napi_ok) throw_status(Status::error(Code::internal, "executor: no thread-safe function"));
  self->self_ = bound;
  napi_unref_threadsafe_function(env, self->function_);

  const auto done = [self](std::unique_ptr<Step> step) {
    if (napi_call_threadsafe_function(self->function_, step.get(), napi_tsfn_nonblocking) == napi_ok) step.release();
  };
  const Status status = Executor::create(std::move(device), std::move(ring), done, &self->executor_);
  if (!status.ok()) {
    self->stop(false);
    throw_status(status);
  }
  napi_add_env_cleanup_hook(env, environment_ends, self);
  self->hooked_ = true;
  return bound;
}

// Only reached after stop(): self_ keeps the object until then.
BoundExecutor::~BoundExecutor() = default;

void BoundExecutor::submit(Napi::Env env, std::unique_ptr<Step> step) {
  check(executor_->submit(std::move(step)));
  if (under_way_++ == 0) napi_ref_threadsafe_function(env_, function_);
}

void BoundExecutor::close() { stop(true); }

void BoundExecutor::stop(bool drain) {
  if (function_ == nullptr) return;
  if (executor_ != nullptr) executor_->close(drain);
  executor_.reset();  // the ring's memory goes now, not when Node has done with the function
  if (hooked_) napi_remove_env_cleanup_hook(env_, environment_ends, this);
  hooked_ = false;
  const napi_threadsafe_function function = function_;
  function_ = nullptr;
  // Releasing the last use lets Node deliver what is queued and then call function_ended.
  napi_release_threadsafe_function(function, napi_tsfn_release);
}

void BoundExecutor::step_ended() {
  // A closed executor's function ends by itself once its queue is empty.
  if (--under_way_ == 0 && function_ != nullptr) napi_unref_threadsafe_function(env_, function_);
}

void BoundExecutor::environment_ends(void* self) {
  auto* bound = static_cast<BoundExecutor*>(self);
  bound->hooked_ = false;  // Node removes a hook that it runs
  bound->executor_.reset();
  bound->function_ = nullptr;  // Node frees it next, and calls function_ended
}

void BoundExecutor::function_ended(napi_env, void* self, void*) { static_cast<BoundExecutor*>(self)->self_.reset(); }

static void call_back(napi_env raw_env, napi_value on_done, Step& step) {
  const Napi::Env env(raw_env);
  auto probes = Napi::Array::New(env);
  for (ProgramItem& item : step.program) {
    for (Probe& probe : item.probes) {
      auto* bytes = new std::vector<char>(std::move(probe.bytes));
      probes[probes.Length()] = Napi::ArrayBuffer::New(
          env, bytes->data(), bytes->size(), [](Napi::Env, void*, std::vector<char>* dead) { delete dead; }, bytes);
    }
  }
  const napi_value arguments[] = {Napi::Number::New(env, step.ticket),
                                  Napi::Number::New(env, step.microseconds),
                                  Napi::Number::New(env, step.idle_microseconds),
                                  Napi::Number::New(env, static_cast<int>(step.status.code)),
                                  Napi::String::New(env, step.status.message),
                                  probes};
  // An exception of the callback stays pending for Node (src/executor.ts lets none through).
  napi_call_function(raw_env, env.Undefined(), on_done, std::size(arguments), arguments, nullptr);
}

void BoundExecutor::deliver(napi_env env, napi_value on_done, void* self, void* data) {
  const std::unique_ptr<Step> step(static_cast<Step*>(data));
  if (env == nullptr || on_done == nullptr) return;  // the environment is ending
  static_cast<BoundExecutor*>(self)->step_ended();
  try {
    call_back(env, on_done, *step);
  } catch (const std::exception&) {
    // Node-API refuses work while a worker is being terminated: nobody is left to tell.
  }
}

}  // namespace trtllm

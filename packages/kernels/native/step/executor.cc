#include "executor.h"

#include <pthread.h>

#include <exception>
#include <system_error>

namespace trtllm {

Executor::Executor(std::shared_ptr<Device> device, std::shared_ptr<StepRing> ring, Done done)
    : device_(std::move(device)),
      ring_(std::move(ring)),
      done_(std::move(done)),
      works_alone_(device_->memory() == MemoryKind::device) {}

Status Executor::create(std::shared_ptr<Device> device, std::shared_ptr<StepRing> ring, Done done,
                        std::unique_ptr<Executor>* out) {
  if (ring->device() != device) return Status::error(Code::invalid, "executor: the ring belongs to another device");
  std::unique_ptr<Executor> executor(new Executor(std::move(device), std::move(ring), std::move(done)));
  const Backend& backend = executor->device_->backend();
  DeviceState* state = executor->device_->state();
  TRTLLM_TRY(backend.open_stream(state, &executor->stream_));
  // The threads find the room they need: there is nobody to tell that memory is short.
  executor->free_marks_.reserve(kMaxInFlight + 1);
  executor->in_flight_.reserve(kMaxInFlight + 1);
  // One more than in flight: those of the last step wait for the next one.
  for (int i = 0; executor->works_alone_ && i < kMaxInFlight + 1; i++) {
    Marks& marks = executor->free_marks_.emplace_back();
    TRTLLM_TRY(backend.create_event(state, &marks.began));
    TRTLLM_TRY(backend.create_event(state, &marks.finished));
  }
  try {
    Executor* self = executor.get();
    self->runner_ = std::thread([self] { self->run_steps(); });
    if (self->works_alone_) self->finisher_ = std::thread([self] { self->finish_steps(); });
  } catch (const std::system_error& error) {
    return Status::error(Code::out_of_memory, "executor: cannot start a thread: %s", error.what());
  }
  *out = std::move(executor);
  return Status();
}

Executor::~Executor() {
  close(false);
  const Backend& backend = device_->backend();
  const auto destroy = [&](const Marks& marks) {
    backend.destroy_event(device_->state(), marks.began);
    backend.destroy_event(device_->state(), marks.finished);
  };
  destroy(last_);
  for (const Marks& marks : free_marks_) destroy(marks);
  if (stream_ != nullptr) backend.close_stream(device_->state(), stream_);
}

void Executor::close(bool drain) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
    if (!drain) waiting_.clear();
  }
  submitted_.notify_all();
  if (runner_.joinable()) runner_.join();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    no_more_ = true;
  }
  enqueued_.notify_all();
  if (finisher_.joinable()) finisher_.join();
}

Status Executor::check(const Step& step) const {
  if (step.entry < 0 || step.entry >= ring_->depth()) {
    return Status::error(Code::invalid, "step: ring entry %d of %d", step.entry, ring_->depth());
  }
  for (const ProgramItem& item : step.program) {
    const Plan& plan = *item.plan;
    const StepSizes& most = plan.limits();
    const StepSizes& sizes = item.sizes;
    if (plan.device() != device_) return Status::error(Code::invalid, "step: the plan belongs to another device");
    if (sizes.tokens < 0 || sizes.rows < 0 || sizes.seqs < 0 || sizes.tokens > most.tokens || sizes.rows > most.rows ||
        sizes.seqs > most.seqs) {
      return Status::error(Code::invalid,
                           "step of %lld tokens, %lld rows, %lld seqs: the plan takes up to %lld, %lld, %lld",
                           static_cast<long long>(sizes.tokens), static_cast<long long>(sizes.rows),
                           static_cast<long long>(sizes.seqs), static_cast<long long>(most.tokens),
                           static_cast<long long>(most.rows), static_cast<long long>(most.seqs));
    }
    if (plan.slab_bytes() > static_cast<int64_t>(ring_->slab_bytes()) ||
        plan.result_bytes() > static_cast<int64_t>(ring_->result_bytes())) {
      return Status::error(Code::invalid, "step: the plan uses %lld slab and %lld result bytes, the ring has %llu and %llu",
                           static_cast<long long>(plan.slab_bytes()), static_cast<long long>(plan.result_bytes()),
                           static_cast<unsigned long long>(ring_->slab_bytes()),
                           static_cast<unsigned long long>(ring_->result_bytes()));
    }
    for (const Probe& probe : item.probes) {
      if (static_cast<int64_t>(probe.bytes.size()) != plan.probe_bytes(probe, sizes)) {
        return Status::error(Code::invalid, "step: operand %d cannot be probed", probe.operand);
      }
    }
  }
  return Status();
}

Status Executor::submit(std::unique_ptr<Step> step) {
  TRTLLM_TRY(check(*step));
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closing_) return Status::error(Code::invalid, "the executor is closed");
    waiting_.push_back(std::move(step));
  }
  submitted_.notify_one();
  return Status();
}

std::unique_ptr<Step> Executor::next_step() {
  std::unique_lock<std::mutex> lock(mutex_);
  submitted_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
  if (waiting_.empty()) return nullptr;
  std::unique_ptr<Step> step = std::move(waiting_.front());
  waiting_.pop_front();
  return step;
}

void Executor::run_steps() {
  pthread_setname_np(pthread_self(), "trtllm-step");
  while (std::unique_ptr<Step> step = next_step()) {
    if (works_alone_) {
      enqueue_and_hand_over(std::move(step));
    } else {
      run_here(std::move(step));
    }
  }
}

void Executor::run_here(std::unique_ptr<Step> step) {
  const auto microseconds = [](auto time) { return std::chrono::duration<double, std::micro>(time).count(); };
  const auto start = std::chrono::steady_clock::now();
  if (last_end_ != decltype(last_end_)()) step->idle_microseconds = microseconds(start - last_end_);
  step->status = enqueue(*step);
  last_end_ = std::chrono::steady_clock::now();
  step->microseconds = microseconds(last_end_ - start);
  done_(std::move(step));
}

Status Executor::enqueue(Step& step) {
  try {
    TRTLLM_TRY(ring_->enqueue_slab_copy(stream_, step.entry));
    for (ProgramItem& item : step.program) {
      TRTLLM_TRY(item.plan->run(stream_, item.sizes, ring_->device_slab(step.entry), ring_->device_results(step.entry),
                                item.probes, item.captured));
    }
    return ring_->enqueue_result_copy(stream_, step.entry);
  } catch (const std::exception& error) {
    return Status::error(Code::internal, "step: %s", error.what());
  }
}

void Executor::enqueue_and_hand_over(std::unique_ptr<Step> step) {
  Marks marks;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    finished_.wait(lock, [this] { return !free_marks_.empty(); });
    marks = free_marks_.back();
    free_marks_.pop_back();
  }
  const Backend& backend = device_->backend();
  step->status = backend.record_event(device_->state(), stream_, marks.began);
  if (step->status.ok()) step->status = enqueue(*step);
  // Also after a failure: what was enqueued before it still uses the slab.
  const Status recorded = backend.record_event(device_->state(), stream_, marks.finished);
  if (step->status.ok()) step->status = recorded;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    in_flight_.push_back({std::move(step), marks});
  }
  enqueued_.notify_one();
}

void Executor::finish_steps() {
  pthread_setname_np(pthread_self(), "trtllm-finish");
  for (;;) {
    InFlight oldest;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      enqueued_.wait(lock, [this] { return no_more_ || !in_flight_.empty(); });
      if (in_flight_.empty()) return;
      oldest = std::move(in_flight_.front());
      in_flight_.erase(in_flight_.begin());
    }
    const Status waited = device_->backend().wait_event(device_->state(), oldest.marks.finished);
    if (oldest.step->status.ok()) oldest.step->status = waited;
    if (oldest.step->status.ok()) time_step(*oldest.step, oldest.marks);
    give_back(oldest.marks);
    done_(std::move(oldest.step));
  }
}

// A step whose times cannot be told is none that failed.
void Executor::time_step(Step& step, const Marks& marks) {
  const Backend& backend = device_->backend();
  backend.elapsed(device_->state(), marks.began, marks.finished, &step.microseconds);
  if (last_.finished != nullptr) backend.elapsed(device_->state(), last_.finished, marks.began, &step.idle_microseconds);
}

// The marks of the last step are free, these take their place.
void Executor::give_back(const Marks& marks) {
  const Marks free = last_;
  last_ = marks;
  if (free.finished == nullptr) return;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    free_marks_.push_back(free);
  }
  finished_.notify_one();
}

}  // namespace trtllm

#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../plan/plan.h"
#include "step-ring.h"

namespace trtllm {

// One plan run of a step.
struct ProgramItem {
  std::shared_ptr<Plan> plan;
  StepSizes sizes;
  std::vector<Probe> probes;
  bool captured = false;
};

struct Step {
  uint32_t ticket = 0;  // the submitter's name for it
  int entry = 0;        // of the ring
  std::vector<ProgramItem> program;

  // Set when it is done. Times are the device's own: of its work, and of nothing between the last step and this one.
  Status status;
  double microseconds = 0, idle_microseconds = 0;
};

// Runs submitted steps in order on a thread and a stream of its own: slab to the device, the program, results to the
// host, then `done`. A step that fails says so in its status; later ones run. On a device that works on its own, step
// N+1 is enqueued while step N runs, and a second thread waits for their ends.
class Executor {
 public:
  // Called on one of the executor's threads, in submission order, once a step. Must not throw.
  using Done = std::function<void(std::unique_ptr<Step>)>;

  static Status create(std::shared_ptr<Device> device, std::shared_ptr<StepRing> ring, Done done,
                       std::unique_ptr<Executor>* out);
  ~Executor();  // close(false)
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  const StepRing& ring() const { return *ring_; }

  // `invalid` for a step that does not fit its plans or the ring; such a step is not submitted.
  Status submit(std::unique_ptr<Step> step);

  // Ends the threads after the steps that are running and, with `drain`, those that wait; the others are dropped
  // without `done`. Nothing is called after it returns. May be called twice.
  void close(bool drain);

 private:
  static constexpr int kMaxInFlight = 2;

  struct Marks {
    EventState* began = nullptr;
    EventState* finished = nullptr;
  };
  struct InFlight {
    std::unique_ptr<Step> step;
    Marks marks;
  };

  Executor(std::shared_ptr<Device> device, std::shared_ptr<StepRing> ring, Done done);
  Status check(const Step& step) const;
  void run_steps();
  void finish_steps();
  std::unique_ptr<Step> next_step();
  Status enqueue(Step& step);
  void run_here(std::unique_ptr<Step> step);
  void enqueue_and_hand_over(std::unique_ptr<Step> step);
  void time_step(Step& step, const Marks& marks);
  void give_back(const Marks& marks);

  std::shared_ptr<Device> device_;
  std::shared_ptr<StepRing> ring_;
  Done done_;
  StreamState* stream_ = nullptr;
  bool works_alone_;  // the device does: enqueued is not finished

  std::mutex mutex_;
  std::condition_variable submitted_, enqueued_, finished_;
  std::deque<std::unique_ptr<Step>> waiting_;
  std::vector<InFlight> in_flight_;  // only where works_alone_
  std::vector<Marks> free_marks_;
  Marks last_;  // of the step that finished last, until the next one is timed; the finisher's
  std::chrono::steady_clock::time_point last_end_;  // the same of a device that works here; the runner's
  bool closing_ = false;
  bool no_more_ = false;  // nothing will be enqueued any more
  std::thread runner_, finisher_;
};

}  // namespace trtllm

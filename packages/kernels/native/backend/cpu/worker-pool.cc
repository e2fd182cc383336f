#include "worker-pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace trtllm {
namespace {

inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// PERF: kernels of a step follow each other within microseconds; a sleeping thread takes 5-50 us to wake.
constexpr int kSpins = 4000;

thread_local bool inside_a_job = false;

// `gate_` is the only door to the fields of the current job: generation in the high half, kOpen while threads may come
// in, and in the low bits how many are in. A thread comes in by a compare-and-swap on an open gate, so it can never see
// a job that is over; parallel_for closes the gate and returns when nobody is in.
class WorkerPool final : public ThreadPool {
 public:
  explicit WorkerPool(int num_threads) {
    try {
      threads_.reserve(static_cast<size_t>(num_threads));
      for (int i = 1; i < num_threads; i++) threads_.emplace_back([this] { serve(); });
    } catch (const std::exception&) {
      // Fewer threads than asked for, or room for them: slower, not wrong.
    }
  }

  ~WorkerPool() override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_.store(true);
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  int num_threads() const override { return static_cast<int>(threads_.size()) + 1; }

  void parallel_for(int64_t count, int64_t grain, Body body, void* context) override {
    if (count <= 0) return;
    if (grain < 1) grain = 1;
    if (threads_.empty() || inside_a_job || count <= grain) {
      body(context, 0, count);
      return;
    }
    std::lock_guard<std::mutex> turn(turn_);
    body_ = body;
    context_ = context;
    count_ = count;
    // Some chunks a thread, so that a thread that lost its core does not hold the others up.
    const int64_t target = count / (num_threads() * 4);
    chunk_ = target > grain ? target / grain * grain : grain;
    next_.store(0, std::memory_order_relaxed);

    const uint64_t generation = (gate_.load() >> 32) + 1;
    gate_.store(generation << 32 | kOpen);  // seq_cst: see sleep()
    if (num_sleeping_.load() > 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      wake_.notify_all();
    }
    work();
    leave_and_wait();
  }

 private:
  static constexpr uint64_t kOpen = 1u << 31;
  static constexpr uint64_t kCount = kOpen - 1;

  void work() {
    inside_a_job = true;
    for (;;) {
      const int64_t begin = next_.fetch_add(chunk_, std::memory_order_relaxed);
      if (begin >= count_) break;
      body_(context_, begin, begin + chunk_ < count_ ? begin + chunk_ : count_);
    }
    inside_a_job = false;
  }

  void leave_and_wait() {
    if ((gate_.fetch_and(~kOpen) & kCount) == 0) return;
    for (int i = 0; i < kSpins; i++) {
      if ((gate_.load(std::memory_order_acquire) & kCount) == 0) return;
      pause_briefly();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return (gate_.load() & kCount) == 0; });
  }

  // Comes in if there is an open job newer than `seen`.
  bool enter(uint64_t& seen) {
    uint64_t gate = gate_.load(std::memory_order_acquire);
    while ((gate & kOpen) != 0 && gate >> 32 != seen) {
      if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel)) {
        seen = gate >> 32;
        return true;
      }
    }
    return false;
  }

  void leave() {
    const uint64_t before = gate_.fetch_sub(1, std::memory_order_acq_rel);
    if ((before & kOpen) == 0 && (before & kCount) == 1) {
      // The lock orders this after the caller's check, so that its wait cannot miss the notification.
      std::lock_guard<std::mutex> lock(mutex_);
      done_.notify_one();
    }
  }

  bool wait_for_job(uint64_t& seen) {
    for (int i = 0; i < kSpins; i++) {
      if (enter(seen)) return true;
      pause_briefly();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    // No lost wake-up: the caller stores the gate and then reads num_sleeping_, this thread does it the other way
    // round, both sequentially consistent; and the caller notifies under the mutex.
    num_sleeping_.fetch_add(1);
    wake_.wait(lock, [&] {
      const uint64_t gate = gate_.load();
      return stopping_.load() || ((gate & kOpen) != 0 && gate >> 32 != seen);
    });
    num_sleeping_.fetch_sub(1);
    return false;
  }

  void serve() {
    uint64_t seen = 0;
    while (!stopping_.load(std::memory_order_relaxed)) {
      if (!wait_for_job(seen) && !enter(seen)) continue;
      work();
      leave();
    }
  }

  std::mutex turn_;  // held for a whole job: callers take turns
  Body body_ = nullptr;
  void* context_ = nullptr;
  int64_t count_ = 0;
  int64_t chunk_ = 1;
  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) std::atomic<uint64_t> gate_{0};
  alignas(64) std::atomic<int> num_sleeping_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> threads_;  // last: threads start when all else exists
};

}  // namespace

std::unique_ptr<ThreadPool> make_worker_pool(int num_threads) { return std::make_unique<WorkerPool>(num_threads); }

}  // namespace trtllm

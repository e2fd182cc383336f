#pragma once
#include <cstdint>

namespace trtllm {

// Persistent threads of one CPU device. parallel_for calls body(context, begin, end) over disjoint subranges that
// cover [0, count), the caller's thread included, and returns when all are done. Subranges are multiples of `grain`
// except the last. Which thread takes which range is unspecified: a body's result must not depend on it. A body may
// call parallel_for again (it then runs on that one thread) and must not throw. Any thread may call; calls take turns.
class ThreadPool {
 public:
  using Body = void (*)(void* context, int64_t begin, int64_t end);
  virtual ~ThreadPool() = default;
  virtual int num_threads() const = 0;
  virtual void parallel_for(int64_t count, int64_t grain, Body body, void* context) = 0;

  template <class F>
  [[gnu::always_inline]] void for_each(int64_t count, int64_t grain, F&& f) {
    parallel_for(
        count, grain, [](void* c, int64_t b, int64_t e) { (*static_cast<F*>(c))(b, e); }, &f);
  }
};

}  // namespace trtllm

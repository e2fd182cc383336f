#pragma once
#include <memory>

#include "../../core/thread-pool.h"

namespace trtllm {

// Starts num_threads - 1 threads that live as long as the pool (the caller of parallel_for is the last one). They spin
// for some microseconds after a job, then sleep. Starts fewer when the system refuses; num_threads() tells.
std::unique_ptr<ThreadPool> make_worker_pool(int num_threads);

// Threads worth starting: physical cores this process may run on, within its CPU quota.
int default_num_threads();

}  // namespace trtllm

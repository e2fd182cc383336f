// A device that works later, for tests: it has the interface of libtrtllm_cuda.so, memory that the host should not
// touch, and streams that run on threads of their own, so that enqueued is not finished. It records graphs. Kernels:
// add and mul of contiguous f32,
// gather-rows, which is slow when its first index is 1, and silu, which fails.
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "../native/backend/backend.h"
#include "../native/core/gaussian.h"
#include "../native/generated/op-args.h"

namespace trtllm {

struct GraphState {
  std::vector<std::function<void()>> work;
};

// An in-order queue served by one thread.
struct StreamState {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  bool busy = false, ending = false;
  GraphState* recording = nullptr;
  std::thread thread{[this] { serve(); }};

  void serve() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return ending || !queue.empty(); });
      if (queue.empty()) return;
      const std::function<void()> work = std::move(queue.front());
      queue.pop_front();
      busy = true;
      lock.unlock();
      work();
      lock.lock();
      busy = false;
      changed.notify_all();
    }
  }

  void enqueue(std::function<void()> work) {
    if (recording != nullptr) {
      recording->work.push_back(std::move(work));
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex);
      queue.push_back(std::move(work));
    }
    changed.notify_all();
  }

  void drain() {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [this] { return queue.empty() && !busy; });
  }
};

struct EventState {
  std::mutex mutex;
  std::condition_variable changed;
  int recorded = 0, reached = 0;
  std::chrono::steady_clock::time_point at;
};

namespace {

Status allocate(DeviceState*, uint64_t bytes, void** out) {
  *out = malloc(bytes + 1);
  return Status();
}

template <class F>
Status rows_later(const OpCall& call, LaunchContext& context, F combine) {
  const TensorRef x = call.operands[0], y = call.operands[1], z = call.operands[2];
  static_cast<StreamState*>(context.stream)->enqueue([=] {
    for (int64_t i = 0; i < x.shape[0] * x.shape[1]; i++) z.as<float>()[i] = combine(x.as<float>()[i], y.as<float>()[i]);
  });
  return Status();
}

Status gather_rows(const OpCall& call, LaunchContext& context) {
  const auto o = GatherRowsArgs::from(call);
  static_cast<StreamState*>(context.stream)->enqueue([=] {
    const int32_t* index = o.index.as<int32_t>();
    if (index[0] == 1) std::this_thread::sleep_for(std::chrono::milliseconds(30));
    const int64_t dim = o.x.shape[1];
    for (int64_t row = 0; row < o.y.shape[0]; row++) {
      if (index[row] >= 0) memcpy(o.y.as<float>() + row * dim, o.x.as<float>() + index[row] * dim, static_cast<size_t>(dim) * 4);
    }
  });
  return Status();
}

const KernelEntry kKernels[] = {
    {"add", "add.late", 0, nullptr, nullptr,
     [](const OpCall& call, LaunchContext& context) { return rows_later(call, context, [](float a, float b) { return a + b; }); },
     RowBits::fixed},
    {"add", "add.later", 1, nullptr, nullptr,
     [](const OpCall& call, LaunchContext& context) { return rows_later(call, context, [](float a, float b) { return a + b; }); }},
    {"mul", "mul.late", 0, nullptr, nullptr,
     [](const OpCall& call, LaunchContext& context) { return rows_later(call, context, [](float a, float b) { return a * b; }); }},
    {"silu", "silu.late", 0, nullptr, nullptr,
     [](const OpCall&, LaunchContext&) { return Status::error(Code::device, "this kernel cannot be launched"); }},
    {"gather-rows", "gather-rows.late", 0, nullptr, nullptr, gather_rows},
};

const Backend kBackend = {
    .abi = kBackendAbi,
    .name = "cuda",
    .matrix_layout = Layout::strided,
    .device_count = [] { return 1; },
    .open = [](const OpenOptions& options, DeviceState** out) {
      if (options.ordinal > 0) return Status::error(Code::device, "CUDA: device %d of 1", options.ordinal);
      *out = nullptr;
      return Status();
    },
    .close = [](DeviceState*) {},
    .info = [](DeviceState*, DeviceInfo* out) {
      *out = DeviceInfo{};
      snprintf(out->name, sizeof out->name, "late device");
      out->compute_capability = 90;
      return Status();
    },
    .allocate = allocate,
    .release = [](DeviceState*, void* pointer) { free(pointer); },
    .allocate_host = allocate,
    .release_host = [](DeviceState*, void* pointer) { free(pointer); },
    .open_stream = [](DeviceState*, StreamState** out) {
      *out = new StreamState;
      return Status();
    },
    .close_stream = [](DeviceState*, StreamState* stream) {
      {
        std::lock_guard<std::mutex> lock(stream->mutex);
        stream->ending = true;
      }
      stream->changed.notify_all();
      stream->thread.join();
      delete stream;
    },
    .copy = [](DeviceState*, StreamState* stream, void* to, const void* from, uint64_t bytes, CopyKind) {
      stream->enqueue([=] { memcpy(to, from, bytes); });
      return Status();
    },
    .fill = [](DeviceState*, StreamState* stream, void* to, uint8_t value, uint64_t bytes) {
      stream->enqueue([=] { memset(to, value, bytes); });
      return Status();
    },
    .fill_gaussian = [](DeviceState*, StreamState*, void*, DType, uint64_t, double, uint64_t) {
      return Status::error(Code::unsupported, "late device: no gaussian values");
    },
    .launch = [](DeviceState*, StreamState* stream, const KernelEntry& kernel, const OpCall& call, void* workspace,
                 int64_t workspace_bytes) {
      LaunchContext context;
      context.stream = stream;
      context.workspace = workspace;
      context.workspace_bytes = workspace_bytes;
      return kernel.launch(call, context);
    },
    .synchronize = [](DeviceState*, StreamState* stream) {
      stream->drain();
      return Status();
    },
    .create_event = [](DeviceState*, EventState** out) {
      *out = new EventState;
      return Status();
    },
    .destroy_event = [](DeviceState*, EventState* event) { delete event; },
    .record_event = [](DeviceState*, StreamState* stream, EventState* event) {
      {
        std::lock_guard<std::mutex> lock(event->mutex);
        event->recorded++;
      }
      stream->enqueue([event] {
        std::lock_guard<std::mutex> lock(event->mutex);
        event->reached++;
        event->at = std::chrono::steady_clock::now();
        event->changed.notify_all();
      });
      return Status();
    },
    .wait_event = [](DeviceState*, EventState* event) {
      std::unique_lock<std::mutex> lock(event->mutex);
      event->changed.wait(lock, [event] { return event->reached == event->recorded; });
      return Status();
    },
    .elapsed = [](DeviceState*, EventState* from, EventState* to, double* microseconds) {
      *microseconds = std::chrono::duration<double, std::micro>(to->at - from->at).count();
      return Status();
    },
    .capture_begin = [](DeviceState*, StreamState* stream) {
      stream->recording = new GraphState;
      return Status();
    },
    .capture_end = [](DeviceState*, StreamState* stream, GraphState** out) {
      *out = stream->recording;
      stream->recording = nullptr;
      return Status();
    },
    .replay = [](DeviceState*, StreamState* stream, GraphState* graph) {
      for (const auto& work : graph->work) stream->enqueue(work);
      return Status();
    },
    .destroy_graph = [](DeviceState*, GraphState* graph) { delete graph; },
    .kernels = [](DeviceState*, int* count) {
      *count = static_cast<int>(sizeof kKernels / sizeof kKernels[0]);
      return kKernels;
    },
    .memory = MemoryKind::device,
    .threads = nullptr,
};

}  // namespace
}  // namespace trtllm

extern "C" __attribute__((visibility("default"))) const trtllm::Backend* trtllm_cuda_backend(uint32_t) {
  return &trtllm::kBackend;
}

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <unordered_map>

#include "../../core/gaussian.h"
#include "../backends.h"
#include "float8.h"
#include "host-memory.h"
#include "isa.h"
#include "worker-pool.h"

namespace trtllm {

struct DeviceState {
  const Isa* isa = nullptr;
  std::unique_ptr<ThreadPool> pool;
  KernelEntry kernels[kMaxCpuKernels];
  int num_kernels = 0;
  uint64_t memory_bytes = 0;  // 0: no limit but the machine's

  std::mutex mutex;
  uint64_t used_bytes = 0;
  std::unordered_map<void*, uint64_t> sizes;  // of what is allocated
};

namespace {

constexpr uint64_t kHugePageFrom = 4u << 20;

int device_count() { return 1; }

Status open(const OpenOptions& options, DeviceState** device) {
  const Isa* isa = choose_isa(options.isa);
  if (isa == nullptr) {
    const char* name = options.isa != nullptr && *options.isa != 0 ? options.isa : getenv("TRTLLM_CPU_ISA");
    return Status::error(Code::unsupported, "this processor cannot run the '%s' kernels: expected one that cpuIsa() lists",
                         name != nullptr ? name : "");
  }
  auto state = std::make_unique<DeviceState>();
  state->isa = isa;
  state->num_kernels = isa->list_kernels(state->kernels);
  state->pool = make_worker_pool(options.num_threads > 0 ? options.num_threads : default_num_threads());
  state->memory_bytes = options.memory_bytes;
  *device = state.release();
  return Status();
}

void close(DeviceState* device) {
  for (auto& [pointer, bytes] : device->sizes) munmap(pointer, bytes);
  delete device;
}

Status info(DeviceState* device, DeviceInfo* out) {
  *out = DeviceInfo{};
  const HostMemory memory = host_memory();
  snprintf(out->name, sizeof out->name, "CPU");
  snprintf(out->detail, sizeof out->detail, "%s kernels, %d thread%s", device->isa->name, device->pool->num_threads(),
           device->pool->num_threads() == 1 ? "" : "s");
  out->num_units = device->pool->num_threads();
  out->total_bytes = memory.total_bytes;
  out->free_bytes = memory.available_bytes;
  if (device->memory_bytes != 0 && device->memory_bytes < out->total_bytes) out->total_bytes = device->memory_bytes;
  // What was handed out may not have been touched yet, so the system may still call it available.
  std::lock_guard<std::mutex> lock(device->mutex);
  const uint64_t left = out->total_bytes > device->used_bytes ? out->total_bytes - device->used_bytes : 0;
  if (left < out->free_bytes) out->free_bytes = left;
  return Status();
}

// Pages come zeroed and are taken from the system when first touched: a reservation that could never be filled is
// refused here, since touching it would end the process.
Status allocate(DeviceState* device, uint64_t bytes, void** out) {
  const uint64_t size = (bytes + 4095) / 4096 * 4096 + (bytes == 0 ? 4096 : 0);
  DeviceInfo memory;
  TRTLLM_TRY(info(device, &memory));
  if (size > memory.free_bytes) {
    return Status::error(Code::out_of_memory, "%llu bytes asked for, %llu of %llu free",
                         static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(memory.free_bytes),
                         static_cast<unsigned long long>(memory.total_bytes));
  }
  void* pointer = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pointer == MAP_FAILED) {
    return Status::error(Code::out_of_memory, "the system refused %llu bytes", static_cast<unsigned long long>(bytes));
  }
  if (size >= kHugePageFrom) madvise(pointer, size, MADV_HUGEPAGE);
  std::lock_guard<std::mutex> lock(device->mutex);
  device->sizes.emplace(pointer, size);
  device->used_bytes += size;
  *out = pointer;
  return Status();
}

void release(DeviceState* device, void* pointer) {
  std::lock_guard<std::mutex> lock(device->mutex);
  const auto found = device->sizes.find(pointer);
  if (found == device->sizes.end()) return;
  munmap(pointer, found->second);
  device->used_bytes -= found->second;
  device->sizes.erase(found);
}

Status open_stream(DeviceState*, StreamState** stream) {
  *stream = nullptr;
  return Status();
}
void close_stream(DeviceState*, StreamState*) {}

Status copy(DeviceState*, StreamState*, void* destination, const void* source, uint64_t bytes, CopyKind) {
  if (bytes > 0) memmove(destination, source, bytes);
  return Status();
}

Status fill(DeviceState*, StreamState*, void* destination, uint8_t value, uint64_t bytes) {
  if (bytes > 0) memset(destination, value, bytes);
  return Status();
}

template <class T>
void fill_gaussian_as(ThreadPool& pool, T* to, uint64_t count, double standard_deviation, uint64_t seed) {
  const float scale = static_cast<float>(standard_deviation);
  pool.for_each(static_cast<int64_t>(count), 1 << 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) put_f32(to + i, gaussian_at(seed, static_cast<uint64_t>(i)) * scale);
  });
}

Status fill_gaussian(DeviceState* device, StreamState*, void* to, DType dtype, uint64_t count, double deviation,
                     uint64_t seed) {
  switch (dtype) {
    case DType::f32: fill_gaussian_as(*device->pool, static_cast<float*>(to), count, deviation, seed); break;
    case DType::f16: fill_gaussian_as(*device->pool, static_cast<F16*>(to), count, deviation, seed); break;
    case DType::bf16: fill_gaussian_as(*device->pool, static_cast<Bf16*>(to), count, deviation, seed); break;
    case DType::f8: fill_gaussian_as(*device->pool, static_cast<F8*>(to), count, deviation, seed); break;
    case DType::i8: fill_gaussian_as(*device->pool, static_cast<I8*>(to), count, deviation, seed); break;
    default: return Status::error(Code::invalid, "gaussian values of %s: expected a type of numbers", dtype_name(dtype));
  }
  return Status();
}

Status launch(DeviceState* device, StreamState*, const KernelEntry& kernel, const OpCall& call, void* workspace,
              int64_t workspace_bytes) {
  LaunchContext context;
  context.pool = device->pool.get();
  context.workspace = workspace;
  context.workspace_bytes = workspace_bytes;
  return kernel.launch(call, context);
}

Status synchronize(DeviceState*, StreamState*) { return Status(); }
Status create_event(DeviceState*, EventState** event) {
  *event = nullptr;
  return Status();
}
void destroy_event(DeviceState*, EventState*) {}
Status record_event(DeviceState*, StreamState*, EventState*) { return Status(); }
Status wait_event(DeviceState*, EventState*) { return Status(); }

const KernelEntry* kernels(DeviceState* device, int* count) {
  *count = device->num_kernels;
  return device->kernels;
}

ThreadPool* threads(DeviceState* device) { return device->pool.get(); }

}  // namespace

const Backend* cpu_backend() {
  static const Backend backend = {
      .abi = kBackendAbi,
      .name = "cpu",
      .matrix_layout = Layout::panel,
      .device_count = device_count,
      .open = open,
      .close = close,
      .info = info,
      .allocate = allocate,
      .release = release,
      .allocate_host = allocate,
      .release_host = release,
      .open_stream = open_stream,
      .close_stream = close_stream,
      .copy = copy,
      .fill = fill,
      .fill_gaussian = fill_gaussian,
      .launch = launch,
      .synchronize = synchronize,
      .create_event = create_event,
      .destroy_event = destroy_event,
      .record_event = record_event,
      .wait_event = wait_event,
      .elapsed = nullptr,
      .capture_begin = nullptr,
      .capture_end = nullptr,
      .replay = nullptr,
      .destroy_graph = nullptr,
      .make_chain = nullptr,
      .place_chain = nullptr,
      .run_chain = nullptr,
      .destroy_chain = nullptr,
      .kernels = kernels,
      .memory = MemoryKind::host,
      .threads = threads,
  };
  return &backend;
}

}  // namespace trtllm

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>

#include "../../generated/op-list.h"
#include "../backends.h"

namespace trtllm {

namespace {

constexpr uint64_t kDefaultMemoryBytes = 1ull << 40;
constexpr uintptr_t kFirstAddress = 1ull << 40;  // outside of what a process maps by itself; never dereferenced

// HAZARD: DeviceState is a different struct in every backend; this one is found by its address alone.
struct NullDevice {
  std::mutex mutex;
  uint64_t memory_bytes = kDefaultMemoryBytes;
  uint64_t used_bytes = 0;
  uintptr_t next_address = kFirstAddress;
  std::map<void*, uint64_t> sizes;
};

NullDevice& of(DeviceState* device) { return *reinterpret_cast<NullDevice*>(device); }

int device_count() { return 1; }

Status open(const OpenOptions& options, DeviceState** device) {
  auto state = std::make_unique<NullDevice>();
  if (options.memory_bytes != 0) state->memory_bytes = options.memory_bytes;
  *device = reinterpret_cast<DeviceState*>(state.release());
  return Status();
}

void close(DeviceState* device) { delete &of(device); }

Status info(DeviceState* device, DeviceInfo* out) {
  *out = DeviceInfo{};
  std::lock_guard<std::mutex> lock(of(device).mutex);
  snprintf(out->name, sizeof out->name, "null");
  snprintf(out->detail, sizeof out->detail, "counts memory and launches, runs nothing");
  out->total_bytes = of(device).memory_bytes;
  out->free_bytes = of(device).memory_bytes - of(device).used_bytes;
  return Status();
}

Status allocate(DeviceState* device, uint64_t bytes, void** out) {
  NullDevice& state = of(device);
  std::lock_guard<std::mutex> lock(state.mutex);
  const uint64_t left = state.memory_bytes - state.used_bytes;
  if (bytes > left) {
    return Status::error(Code::out_of_memory, "%llu bytes asked for, %llu of %llu free",
                         static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(left),
                         static_cast<unsigned long long>(state.memory_bytes));
  }
  *out = reinterpret_cast<void*>(state.next_address);
  state.next_address += (bytes + 256) / 256 * 256;
  state.sizes.emplace(*out, bytes);
  state.used_bytes += bytes;
  return Status();
}

void release(DeviceState* device, void* pointer) {
  NullDevice& state = of(device);
  std::lock_guard<std::mutex> lock(state.mutex);
  const auto found = state.sizes.find(pointer);
  if (found == state.sizes.end()) return;
  state.used_bytes -= found->second;
  state.sizes.erase(found);
}

Status allocate_host(DeviceState*, uint64_t bytes, void** out) {
  *out = calloc(1, bytes > 0 ? bytes : 1);
  if (*out == nullptr) {
    return Status::error(Code::out_of_memory, "the system refused %llu bytes", static_cast<unsigned long long>(bytes));
  }
  return Status();
}
void release_host(DeviceState*, void* pointer) { free(pointer); }

Status open_stream(DeviceState*, StreamState** stream) {
  *stream = nullptr;
  return Status();
}
void close_stream(DeviceState*, StreamState*) {}
Status copy(DeviceState*, StreamState*, void*, const void*, uint64_t, CopyKind) { return Status(); }
Status fill(DeviceState*, StreamState*, void*, uint8_t, uint64_t) { return Status(); }
Status fill_gaussian(DeviceState*, StreamState*, void*, DType, uint64_t, double, uint64_t) { return Status(); }
Status launch(DeviceState*, StreamState*, const KernelEntry&, const OpCall&, void*, int64_t) { return Status(); }
Status synchronize(DeviceState*, StreamState*) { return Status(); }
Status create_event(DeviceState*, EventState** event) {
  *event = nullptr;
  return Status();
}
void destroy_event(DeviceState*, EventState*) {}
Status record_event(DeviceState*, StreamState*, EventState*) { return Status(); }
Status wait_event(DeviceState*, EventState*) { return Status(); }

Status run_nothing(const OpCall&, LaunchContext&) { return Status(); }

const KernelEntry* kernels(DeviceState*, int* count) {
#define TRTLLM_NULL_KERNEL(ident, op_name) {op_name, op_name ".null", 0, nullptr, nullptr, run_nothing, RowBits::fixed},
  static const KernelEntry entries[] = {TRTLLM_OPS(TRTLLM_NULL_KERNEL)};
  *count = static_cast<int>(sizeof entries / sizeof entries[0]);
  return entries;
}

}  // namespace

const Backend* null_backend() {
  static const Backend backend = {
      .abi = kBackendAbi,
      .name = "null",
      .matrix_layout = Layout::strided,
      .device_count = device_count,
      .open = open,
      .close = close,
      .info = info,
      .allocate = allocate,
      .release = release,
      .allocate_host = allocate_host,
      .release_host = release_host,
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
      .memory = MemoryKind::none,
      .threads = nullptr,
  };
  return &backend;
}

}  // namespace trtllm

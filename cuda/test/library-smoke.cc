// Opens libtrtllm_cuda.so and checks memory, streams, events, gaussian fill, one op and capture = interpretation, without
// Node. Build: g++ -std=c++20 cuda/test/library-smoke.cc -I packages/kernels/native -ldl -o library-smoke
// Run: ./library-smoke path/to/libtrtllm_cuda.so      (without a GPU it says so and ends with 0)
#include <dlfcn.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "core/gaussian.h"

using namespace trtllm;

static void check(bool ok, const char* what) {
  printf("%s %s\n", ok ? "ok  " : "FAIL", what);
  if (!ok) exit(1);
}

static void check(const Status& status, const char* what) {
  if (!status.ok()) printf("%s\n", status.message);
  check(status.ok(), what);
}

static TensorRef matrix(void* data, int64_t rows, int64_t columns) {
  TensorRef t;
  t.data = data;
  t.rank = 2;
  t.shape[0] = rows;
  t.shape[1] = t.stride[0] = columns;
  t.stride[1] = 1;
  return t;
}

int main(int argc, char** argv) {
  void* library = dlopen(argc > 1 ? argv[1] : "./libtrtllm_cuda.so", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) printf("%s\n", dlerror());
  check(library != nullptr, "the library loads");
  const auto entry = reinterpret_cast<const Backend* (*)(uint32_t)>(dlsym(library, "trtllm_cuda_backend"));
  check(entry != nullptr && entry(kBackendAbi + 1) == nullptr, "another ABI is refused");
  const Backend* b = entry(kBackendAbi);
  check(b != nullptr && b->abi == kBackendAbi, "the table is there");
  int num_kernels = 0;
  const KernelEntry* kernels = b->kernels(nullptr, &num_kernels);
  printf("     %d kernels, %d devices\n", num_kernels, b->device_count());
  DeviceState* device = nullptr;
  const OpenOptions options{};
  if (b->device_count() == 0) {
    const Status status = b->open(options, &device);
    printf("     %s\n", status.message);
    check(!status.ok() && device == nullptr, "no device: open says so");
    return 0;
  }
  check(b->open(options, &device), "open");
  DeviceInfo info;
  check(b->info(device, &info), "info");
  printf("     %s: %s\n", info.name, info.detail);

  constexpr int64_t kRows = 37, kColumns = 1003, kCount = kRows * kColumns;
  StreamState* stream = nullptr;
  EventState* event = nullptr;
  void *x = nullptr, *y = nullptr, *host_memory = nullptr;
  check(b->open_stream(device, &stream), "stream");
  check(b->create_event(device, &event), "event");
  check(b->allocate(device, kCount * 4, &x), "allocate x");
  check(b->allocate(device, kCount * 4, &y), "allocate y");
  check(b->allocate_host(device, kCount * 4, &host_memory), "pinned memory");
  float* host = static_cast<float*>(host_memory);
  check(b->fill_gaussian(device, stream, x, DType::f32, kCount, 0.5, 7), "gaussian");

  const KernelEntry* add = nullptr;
  for (int i = 0; i < num_kernels; i++) {
    if (std::string_view(kernels[i].op) == "add") add = &kernels[i];
  }
  check(add != nullptr, "add is registered");
  const TensorRef operands[3] = {matrix(x, kRows, kColumns), matrix(x, kRows, kColumns), matrix(y, kRows, kColumns)};
  const OpCall call{operands, 3, nullptr};
  check(b->launch(device, stream, *add, call, nullptr, 0), "launch");
  check(b->copy(device, stream, host, y, kCount * 4, CopyKind::device_to_host), "copy");
  check(b->record_event(device, stream, event), "record");
  check(b->wait_event(device, event), "wait");
  bool same = true;
  for (int64_t i = 0; i < kCount; i++) same = same && host[i] == 2 * (gaussian_at(7, static_cast<uint64_t>(i)) * 0.5f);
  check(same, "values");
  const std::vector<float> interpreted(host, host + kCount);

  GraphState* graph = nullptr;
  check(b->capture_begin(device, stream), "capture");
  check(b->launch(device, stream, *add, call, nullptr, 0), "captured launch");
  check(b->copy(device, stream, host, y, kCount * 4, CopyKind::device_to_host), "captured copy");
  check(b->capture_end(device, stream, &graph), "end of capture");
  for (int64_t i = 0; i < kCount; i++) host[i] = -1;
  check(b->fill(device, stream, y, 0, kCount * 4), "fill");
  check(b->replay(device, stream, graph), "replay");
  check(b->synchronize(device, stream), "synchronize");
  same = true;
  for (int64_t i = 0; i < kCount; i++) same = same && host[i] == interpreted[static_cast<size_t>(i)];
  check(same, "captured = interpreted");

  b->destroy_graph(device, graph);
  b->release_host(device, host_memory);
  b->release(device, y);
  b->release(device, x);
  b->destroy_event(device, event);
  b->close_stream(device, stream);
  b->close(device);
  return 0;
}

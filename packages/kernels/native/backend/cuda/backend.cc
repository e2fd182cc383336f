#include <cstdio>
#include <cstring>

#include "chain.h"
#include "cublaslt.h"
#include "kernel-table.h"
#include "memory.h"
#include "queue.h"

namespace trtllm::cuda {

static int device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();
  return 0;
}

static Status open(const OpenOptions& options, DeviceState** out) {
  *out = nullptr;
  int count = 0;
  TRTLLM_TRY(status_of(cudaGetDeviceCount(&count), "counting devices"));
  if (options.ordinal < 0 || options.ordinal >= count) {
    return Status::error(Code::invalid, "CUDA device %d does not exist: there are %d", options.ordinal, count);
  }
  const DeviceState device{options.ordinal};
  TRTLLM_TRY(use(&device));
  TRTLLM_TRY(status_of(cudaFree(nullptr), "initialising the device"));
  cublaslt_prepare(options.ordinal);
  *out = new DeviceState(device);
  return Status();
}

// The primary context is the process's: it stays.
static void close(DeviceState* device) { delete device; }

// "580.159" from the kernel module where it can be read; the driver API only knows which CUDA it serves.
static void driver_version(char* out, size_t size) {
  int served = 0;
  cudaDriverGetVersion(&served);
  snprintf(out, size, "for CUDA %d.%d", served / 1000, served % 1000 / 10);
  FILE* file = fopen("/sys/module/nvidia/version", "r");
  if (file == nullptr) return;
  char line[64] = {0};
  if (fgets(line, sizeof line, file) != nullptr) {
    line[strcspn(line, "\n")] = 0;
    snprintf(out, size, "%s", line);
  }
  fclose(file);
}

static Status info(DeviceState* device, DeviceInfo* out) {
  TRTLLM_TRY(use(device));
  memset(out, 0, sizeof *out);
  cudaDeviceProp properties;
  TRTLLM_TRY(status_of(cudaGetDeviceProperties(&properties, device->ordinal), "reading device properties"));
  int runtime = 0;
  TRTLLM_TRY(status_of(cudaRuntimeGetVersion(&runtime), "reading the runtime version"));
  size_t free_bytes = 0, total_bytes = 0;
  TRTLLM_TRY(status_of(cudaMemGetInfo(&free_bytes, &total_bytes), "reading free memory"));
  char driver[64];
  driver_version(driver, sizeof driver);
  snprintf(out->name, sizeof out->name, "%.127s", properties.name);
  out->compute_capability = properties.major * 10 + properties.minor;
  snprintf(out->detail, sizeof out->detail, "sm_%d, driver %s, runtime %d.%d", out->compute_capability, driver,
           runtime / 1000, runtime % 1000 / 10);
  out->num_units = properties.multiProcessorCount;
  out->total_bytes = total_bytes;
  out->free_bytes = free_bytes;
  return Status();
}

static Status launch(DeviceState* device, StreamState* stream, const KernelEntry& kernel, const OpCall& call,
                     void* workspace, int64_t workspace_bytes) {
  TRTLLM_TRY(use(device));
  LaunchContext context;
  context.stream = stream->handle;
  context.workspace = workspace;
  context.workspace_bytes = workspace_bytes;
  return kernel.launch(call, context);
}

static const KernelEntry* kernels(DeviceState*, int* count) { return kernel_table(count); }

static const Backend kBackend = {
    .abi = kBackendAbi,
    .name = "cuda",
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
    .elapsed = elapsed,
    .capture_begin = capture_begin,
    .capture_end = capture_end,
    .replay = replay,
    .destroy_graph = destroy_graph,
    .make_chain = make_chain,
    .place_chain = place_chain,
    .run_chain = run_chain,
    .destroy_chain = destroy_chain,
    .kernels = kernels,
    .memory = MemoryKind::device,
    .threads = nullptr,
};

}  // namespace trtllm::cuda

// The table, or null when the caller was built for another version of it.
extern "C" __attribute__((visibility("default"))) const trtllm::Backend* trtllm_cuda_backend(uint32_t abi) {
  return abi == trtllm::kBackendAbi ? &trtllm::cuda::kBackend : nullptr;
}

// 13000 for CUDA 13.0: what the library was built with.
extern "C" __attribute__((visibility("default"))) int trtllm_cuda_runtime_version() { return CUDART_VERSION; }

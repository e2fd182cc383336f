#pragma once
#include <cstdint>

#include "../core/kernel.h"
#include "../core/step-nodes.h"
#include "../core/status.h"

namespace trtllm {

constexpr uint32_t kBackendAbi = 3;

struct DeviceState;   // backend's own
struct StreamState;   // backend's own; an in-order queue of work
struct EventState;    // backend's own
struct GraphState;    // backend's own; a captured step
struct ChainState;    // backend's own; nodes that run as one

// Where a backend's memory is.
//   device: not addressable by the host; work functions return before the work is done
//   host:   addressable by the host; work functions finish before they return
//   none:   there is none, addresses are numbers and copies do nothing
enum class MemoryKind : int { device = 0, host = 1, none = 2 };

enum class CopyKind : int { host_to_device = 0, device_to_host = 1, device_to_device = 2 };

struct DeviceInfo {
  char name[128];
  char detail[256];           // CPU: ISA in use; CUDA: "sm_90, driver 580.159, runtime 13.0"
  int compute_capability;     // 90 for sm_90; 0 on CPU
  int num_units;              // threads or multiprocessors
  uint64_t total_bytes;
  uint64_t free_bytes;
};

struct OpenOptions {
  int ordinal;                // CUDA device number
  int num_threads;            // CPU threads; 0 = one per core
  const char* isa;            // CPU: "scalar" | "avx2" | "avx512" | "avx512bf16"; null = best
  uint64_t memory_bytes;      // null: memory to model; CPU: most bytes to hand out; 0 = what there is
};

// The contract of a backend: plain C functions, so that the CUDA one can live in its own shared object.
// Work functions enqueue on a stream; on the CPU they finish before they return.
struct Backend {
  uint32_t abi;
  const char* name;  // "null" | "cpu" | "cuda"
  Layout matrix_layout;

  int (*device_count)();
  Status (*open)(const OpenOptions&, DeviceState** device);
  void (*close)(DeviceState*);
  Status (*info)(DeviceState*, DeviceInfo*);

  Status (*allocate)(DeviceState*, uint64_t bytes, void** out);       // 256-byte aligned, content undefined
  void (*release)(DeviceState*, void*);
  Status (*allocate_host)(DeviceState*, uint64_t bytes, void** out);  // pinned where that means something
  void (*release_host)(DeviceState*, void*);

  Status (*open_stream)(DeviceState*, StreamState**);
  void (*close_stream)(DeviceState*, StreamState*);
  Status (*copy)(DeviceState*, StreamState*, void* destination, const void* source, uint64_t bytes, CopyKind);
  Status (*fill)(DeviceState*, StreamState*, void* destination, uint8_t value, uint64_t bytes);
  // Gaussian values of the given float type, a fixed function of (seed, index).
  Status (*fill_gaussian)(DeviceState*, StreamState*, void* destination, DType, uint64_t count, double standard_deviation, uint64_t seed);
  Status (*launch)(DeviceState*, StreamState*, const KernelEntry&, const OpCall&, void* workspace, int64_t workspace_bytes);
  Status (*synchronize)(DeviceState*, StreamState*);

  Status (*create_event)(DeviceState*, EventState**);
  void (*destroy_event)(DeviceState*, EventState*);
  Status (*record_event)(DeviceState*, StreamState*, EventState*);
  Status (*wait_event)(DeviceState*, EventState*);                    // blocks the calling host thread
  // Microseconds of the device between two events that were waited for; null where the host's clock tells.
  Status (*elapsed)(DeviceState*, EventState* from, EventState* to, double* microseconds);

  // Optional: null when the backend cannot capture.
  Status (*capture_begin)(DeviceState*, StreamState*);
  Status (*capture_end)(DeviceState*, StreamState*, GraphState**);
  Status (*replay)(DeviceState*, StreamState*, GraphState*);
  void (*destroy_graph)(DeviceState*, GraphState*);

  // Optional: null when the backend runs nodes one by one only. `make_chain` looks for nodes of a step of one row, from `first`
  // on, that run as one: `out` is null where none begins there, else `num_nodes` and the device memory it wants are told. It
  // holds the addresses of that step. `place_chain` gives it the memory, before `run_chain`; not while capturing.
  Status (*make_chain)(DeviceState*, const StepNodes&, int first, ChainState** out, int* num_nodes, uint64_t* bytes);
  Status (*place_chain)(DeviceState*, StreamState*, ChainState*, void* memory);
  Status (*run_chain)(DeviceState*, StreamState*, const ChainState*);
  void (*destroy_chain)(ChainState*);

  // Kernels this device can run, best ISA already chosen.
  const KernelEntry* (*kernels)(DeviceState*, int* count);

  MemoryKind memory;

  // Threads for host work beside the device (weight conversion); null: none of its own.
  ThreadPool* (*threads)(DeviceState*);
};

}  // namespace trtllm

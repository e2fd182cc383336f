#pragma once
#include <cstdint>

#include "status.h"
#include "tensor-ref.h"

namespace trtllm {

class ThreadPool;

// Operands of one op call, in schema order: inputs, then outputs. Attributes are doubles in schema order.
// generated/op-args.h has a typed view of this per op.
struct OpCall {
  const TensorRef* operands;
  int num_operands;
  const double* attributes;
};

// Where a kernel runs. `stream` is a cudaStream_t on CUDA; `pool` is the CPU backend's threads. `workspace` is the
// scratch the kernel asked for, 256-byte aligned, undefined content.
struct LaunchContext {
  void* stream = nullptr;
  ThreadPool* pool = nullptr;
  void* workspace = nullptr;
  int64_t workspace_bytes = 0;
};

// Whether the bits of a row of a kernel's results follow from that row alone (fixed), whatever else is in the step, or may
// change with the other rows, with their number above all (vary). Nothing but `fixed` runs in a deterministic plan.
enum class RowBits : uint8_t { vary, fixed };

// One implementation of an op. Among the kernels of an op whose `supports` accepts the call, the highest rank wins.
struct KernelEntry {
  const char* op;
  const char* name;
  int rank;
  bool (*supports)(const OpCall&);                // null: always
  int64_t (*workspace_bytes)(const OpCall&);      // null: none; called with the largest step's shapes, data may be null
  Status (*launch)(const OpCall&, LaunchContext&);
  RowBits row_bits = RowBits::vary;
};

}  // namespace trtllm

#pragma once
#include "../../core/kernel.h"

namespace trtllm {

constexpr int kMaxCpuKernels = 256;

// One compiled set of CPU kernels.
struct Isa {
  const char* name;
  bool (*supported)();               // by this processor and operating system
  int (*list_kernels)(KernelEntry*); // fills at most kMaxCpuKernels entries, returns how many
};

// All sets in the binary, slowest first; the first one runs everywhere.
const Isa* isas(int* count);

// The set named `name`; null or "" means TRTLLM_CPU_ISA, or else the best supported one. Null when there is no such set
// or this processor lacks it.
const Isa* choose_isa(const char* name);

}  // namespace trtllm

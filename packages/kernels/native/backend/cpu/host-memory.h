#pragma once
#include <cstdint>

namespace trtllm {

struct HostMemory {
  uint64_t total_bytes;
  uint64_t available_bytes;
};

// Memory of this machine, within the limit of the process's control group.
HostMemory host_memory();

}  // namespace trtllm

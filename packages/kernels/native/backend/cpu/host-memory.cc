#include "host-memory.h"

#include <cstdio>
#include <cstring>

namespace trtllm {
namespace {

// A file that holds one number; `missing` when it does not.
uint64_t read_number(const char* path, uint64_t missing) {
  FILE* file = fopen(path, "re");
  if (file == nullptr) return missing;
  unsigned long long value = 0;
  const int fields = fscanf(file, "%llu", &value);
  fclose(file);
  return fields == 1 ? value : missing;
}

void limit_to(HostMemory& memory, const char* limit_path, const char* used_path) {
  const uint64_t limit = read_number(limit_path, UINT64_MAX);
  if (limit >= memory.total_bytes) return;
  const uint64_t used = read_number(used_path, 0);
  const uint64_t left = used < limit ? limit - used : 0;
  memory.total_bytes = limit;
  if (left < memory.available_bytes) memory.available_bytes = left;
}

}  // namespace

HostMemory host_memory() {
  HostMemory memory{0, 0};
  if (FILE* file = fopen("/proc/meminfo", "re")) {
    char line[128];
    unsigned long long kib = 0;
    while (fgets(line, sizeof line, file) != nullptr) {
      if (sscanf(line, "MemTotal: %llu", &kib) == 1) memory.total_bytes = kib * 1024;
      if (sscanf(line, "MemAvailable: %llu", &kib) == 1) memory.available_bytes = kib * 1024;
    }
    fclose(file);
  }
  limit_to(memory, "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current");
  limit_to(memory, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes");
  return memory;
}

}  // namespace trtllm

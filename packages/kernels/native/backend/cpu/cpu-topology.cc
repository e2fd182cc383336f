#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "worker-pool.h"

namespace trtllm {
namespace {

// First CPU of the list of CPUs that share `cpu`'s core, or `cpu` itself when the system does not say.
int core_leader(int cpu) {
  char path[96];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
  FILE* file = fopen(path, "re");
  if (file == nullptr) return cpu;
  int first = cpu;
  if (fscanf(file, "%d", &first) != 1) first = cpu;
  fclose(file);
  return first;
}

// CPUs' worth of time that the control group may use, or 0 for no limit.
int quota_cpus() {
  FILE* file = fopen("/sys/fs/cgroup/cpu.max", "re");
  if (file == nullptr) return 0;
  char quota[32];
  long long period = 0;
  const int fields = fscanf(file, "%31s %lld", quota, &period);
  fclose(file);
  if (fields != 2 || strcmp(quota, "max") == 0 || period <= 0) return 0;
  const long long limit = atoll(quota);
  return limit > 0 ? static_cast<int>((limit + period - 1) / period) : 0;
}

}  // namespace

int default_num_threads() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  cpu_set_t counted;
  CPU_ZERO(&counted);
  int cores = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const int leader = core_leader(cpu);
    if (leader < 0 || leader >= CPU_SETSIZE || CPU_ISSET(leader, &counted)) continue;
    CPU_SET(leader, &counted);
    cores++;
  }
  const int quota = quota_cpus();
  if (quota > 0 && quota < cores) cores = quota;
  return cores > 0 ? cores : 1;
}

}  // namespace trtllm

#include "isa.h"

#include <cstdlib>
#include <cstring>

namespace trtllm {

#define TRTLLM_DECLARE_ISA(ns)       \
  namespace ns {                     \
  int list_kernels(KernelEntry*);    \
  }

TRTLLM_DECLARE_ISA(isa_scalar)
#if defined(__x86_64__)
TRTLLM_DECLARE_ISA(isa_avx2)
TRTLLM_DECLARE_ISA(isa_avx512)
TRTLLM_DECLARE_ISA(isa_avx512bf16)

static bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}
static bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni");
}
static bool has_avx512bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }
#endif

static const Isa kIsas[] = {
    {"scalar", [] { return true; }, isa_scalar::list_kernels},
#if defined(__x86_64__)
    {"avx2", has_avx2, isa_avx2::list_kernels},
    {"avx512", has_avx512, isa_avx512::list_kernels},
    {"avx512bf16", has_avx512bf16, isa_avx512bf16::list_kernels},
#endif
};

const Isa* isas(int* count) {
  *count = static_cast<int>(sizeof kIsas / sizeof kIsas[0]);
  return kIsas;
}

const Isa* choose_isa(const char* name) {
  if (name == nullptr || *name == 0) name = getenv("TRTLLM_CPU_ISA");
  const bool named = name != nullptr && *name != 0;
  const Isa* best = nullptr;
  for (const Isa& isa : kIsas) {
    if ((!named || strcmp(name, isa.name) == 0) && isa.supported()) best = &isa;
  }
  return best;
}

}  // namespace trtllm

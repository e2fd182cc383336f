// Compiled once per ISA. `cpu-ops.h` is written by CMake: X(ident) for every op folder that has a .cpu.cc.
#include "../../core/kernel.h"
#include "cpu-ops.h"

namespace trtllm {
namespace ISA_NS {

#define TRTLLM_DECLARE(ident) extern const KernelEntry ident##_kernel;
TRTLLM_CPU_OPS(TRTLLM_DECLARE)

int list_kernels(KernelEntry* into) {
  int count = 0;
#define TRTLLM_LIST(ident) into[count++] = ident##_kernel;
  TRTLLM_CPU_OPS(TRTLLM_LIST)
  return count;
}

}  // namespace ISA_NS
}  // namespace trtllm

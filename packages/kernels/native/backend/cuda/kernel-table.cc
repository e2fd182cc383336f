#include "kernel-table.h"

#include <vector>

#include "../../generated/op-list.h"

namespace trtllm::cuda {

#define TRTLLM_DECLARE(ident, name)           \
  extern const KernelEntry ident##_kernels[]; \
  extern const int ident##_kernel_count;
TRTLLM_OPS(TRTLLM_DECLARE)
#undef TRTLLM_DECLARE

const KernelEntry* kernel_table(int* count) {
  static const std::vector<KernelEntry> table = [] {
    std::vector<KernelEntry> all;
#define TRTLLM_LIST(ident, name) all.insert(all.end(), ident##_kernels, ident##_kernels + ident##_kernel_count);
    TRTLLM_OPS(TRTLLM_LIST)
#undef TRTLLM_LIST
    return all;
  }();
  *count = static_cast<int>(table.size());
  return table.data();
}

}  // namespace trtllm::cuda

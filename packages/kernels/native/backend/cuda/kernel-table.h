#pragma once
#include "../../core/kernel.h"

namespace trtllm::cuda {

// Every kernel of ops/*/*.cuda.cu.
const KernelEntry* kernel_table(int* count);

}  // namespace trtllm::cuda

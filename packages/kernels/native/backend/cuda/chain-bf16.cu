#include "chain-kernels.cuh"

namespace trtllm::cuda {

#ifdef TRTLLM_SM90A
const void* bf16_chain_kernel(int head_dim) { return chain_kernel_of<bf16>(head_dim); }
#else
const void* bf16_chain_kernel(int) { return nullptr; }
#endif

}  // namespace trtllm::cuda

#include "chain-kernels.cuh"

namespace trtllm::cuda {

#ifdef TRTLLM_SM90A
const void* f16_chain_kernel(int head_dim) { return chain_kernel_of<f16>(head_dim); }
#else
const void* f16_chain_kernel(int) { return nullptr; }
#endif

}  // namespace trtllm::cuda

#pragma once
#include "chain-plan.h"
#include "device.h"

// Chains: nodes of a step of one row that one resident kernel runs (cuda/chain/chain.sm90.cuh), on GPUs that have it.
namespace trtllm {

struct ChainState {
  cuda::ChainPlan plan;
  cuda::ChainProgram program;
  int blocks = 0, shared_bytes = 0;
};

namespace cuda {

Status make_chain(DeviceState*, const StepNodes&, int first, ChainState** out, int* num_nodes, uint64_t* bytes);
Status place_chain(DeviceState*, StreamState*, ChainState*, void* memory);
Status run_chain(DeviceState*, StreamState*, const ChainState*);
void destroy_chain(ChainState*);

// The kernel for rows of bf16 and of f16, by head size; its shared memory beside the ring, x and the residual.
const void* bf16_chain_kernel(int head_dim);
const void* f16_chain_kernel(int head_dim);

}  // namespace cuda
}  // namespace trtllm

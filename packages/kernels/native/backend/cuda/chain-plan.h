#pragma once
#include <chain/link.h>

#include <vector>

#include "chain-memory.h"

// Which nodes of a step of one row a resident kernel takes, and as which links.
namespace trtllm::cuda {

struct ChainPlan {
  int num_nodes = 0;  // taken; 0: no chain begins here
  std::vector<Link> links;
  std::vector<RotaryStep> rotary;
  DType dtype = DType::bf16;
  int head_dim = 0;           // 0: no attention among the links
  int part_heads = 0;         // of the widest attention
  int64_t handed_bytes = 0;   // of one of the two sets
  int64_t most_in = 0, residual_length = 0;
};

// The longest chain that begins at node `first`, for a kernel of `blocks` blocks. A chain takes nodes as long as it knows
// them: linears with the norms and sums before them and the gates behind them, rotated heads with their attention.
ChainPlan plan_chain(const StepNodes& step, int first, int blocks);

}  // namespace trtllm::cuda

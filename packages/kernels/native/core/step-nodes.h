#pragma once
#include <cstdint>

#include "kernel.h"

namespace trtllm {

struct StepNode {
  const char* op;
  OpCall call;
  int num_inputs;  // operands before the results
};

// A step's nodes in order, with the operands they have in it. What lies in the arena is nobody's after the last node.
struct StepNodes {
  const StepNode* nodes;
  int count;
  const char* arena;
  int64_t arena_bytes;
};

}  // namespace trtllm

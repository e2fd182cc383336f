#pragma once
#include <memory>
#include <string>
#include <vector>

#include "../backend/buffer.h"
#include "../core/tensor-ref.h"

// A plan as TypeScript states it (src/plan.ts), before anything is checked.
namespace trtllm {

// Sizes of a step, or their upper bounds.
struct StepSizes {
  int64_t tokens = 0, rows = 0, seqs = 0;
  bool operator==(const StepSizes&) const = default;
};

// A size that is affine in those of the step.
struct DimExpr {
  int64_t constant = 0, tokens = 0, rows = 0, seqs = 0;
  bool operator==(const DimExpr&) const = default;
  bool is_constant() const { return tokens == 0 && rows == 0 && seqs == 0; }
  int64_t at(const StepSizes& s) const { return constant + tokens * s.tokens + rows * s.rows + seqs * s.seqs; }
};

// What an operand's offset counts from: the plan's arena, a buffer of its own, the step's slab, the step's results.
enum class Space : uint8_t { arena, buffer, slab, result };

struct OperandSpec {
  Space space = Space::arena;
  std::shared_ptr<Buffer> buffer;
  int64_t offset = 0;  // bytes
  DType dtype = DType::f32;
  Layout layout = Layout::strided;
  int rank = 0;
  DimExpr shape[kMaxRank];
  bool contiguous = true;  // else `stride`, in elements
  int64_t stride[kMaxRank] = {0, 0, 0, 0, 0};
};

struct NodeSpec {
  std::string op;
  std::vector<int> operands;  // schema order, inputs then outputs; -1 = absent
  std::vector<double> attributes;
  std::string label;
};

struct PlanSpec {
  StepSizes limits;
  int64_t arena_bytes = 0;
  std::vector<OperandSpec> operands;
  std::vector<NodeSpec> nodes;
  bool deterministic = false;  // kernels of fixed row bits only
};

}  // namespace trtllm

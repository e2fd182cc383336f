#include "check-plan.h"

#include <cstring>

#include "../backend/cpu/panel.h"

namespace trtllm {

const OpRule* find_op_rule(const std::string& name) {
  for (const OpRule& rule : kOpRules) {
    if (name == rule.name) return &rule;
  }
  return nullptr;
}

// a * b, or -1 when either is negative or the product overflows.
static int64_t product(int64_t a, int64_t b) {
  int64_t out;
  return a < 0 || b < 0 || __builtin_mul_overflow(a, b, &out) ? -1 : out;
}

int64_t extent_bytes(const OperandSpec& operand, const StepSizes& sizes) {
  int64_t shape[kMaxRank];
  int64_t elements = 1;
  for (int i = 0; i < operand.rank; i++) {
    shape[i] = operand.shape[i].at(sizes);
    elements = product(elements, shape[i]);
  }
  if (elements <= 0) return elements;
  if (operand.layout == Layout::panel) {
    const int64_t matrices = operand.rank == 3 ? shape[0] : 1;
    const int64_t* matrix = shape + operand.rank - 2;
    const int64_t padded = product(product(panel_count(matrix[0]), panel_stride(operand.dtype, matrix[1])), 4);
    if (padded < 0 || product(matrices, padded) < 0) return -1;
    return matrices * panel_bytes(operand.dtype, matrix[0], matrix[1]);
  }
  if (operand.contiguous) return product(elements, dtype_bytes(operand.dtype));
  int64_t last = 0;
  for (int i = 0; i < operand.rank; i++) {
    const int64_t reach = product(shape[i] - 1, operand.stride[i]);
    if (reach < 0 || __builtin_add_overflow(last, reach, &last)) return -1;
  }
  return product(last + 1, dtype_bytes(operand.dtype));
}

static const char* space_name(Space space) {
  switch (space) {
    case Space::arena: return "the arena";
    case Space::buffer: return "its buffer";
    case Space::slab: return "the slab";
    case Space::result: return "the results";
  }
  return "?";
}

static Status check_operand(const PlanSpec& spec, const Device& device, int index, int64_t* slab_bytes,
                            int64_t* result_bytes) {
  const OperandSpec& operand = spec.operands[static_cast<size_t>(index)];
  if (operand.layout == Layout::panel &&
      ((operand.rank != 2 && operand.rank != 3) || device.backend().matrix_layout != Layout::panel)) {
    return Status::error(Code::invalid, "plan operand %d: panel layout is for matrices and stacks of them on devices that use it",
                         index);
  }
  for (int i = 0; i < operand.rank; i++) {
    const DimExpr& dim = operand.shape[i];
    if (dim.constant < 0 || dim.tokens < 0 || dim.rows < 0 || dim.seqs < 0) {
      return Status::error(Code::invalid, "plan operand %d: axis %d may shrink with the step: expected coefficients >= 0",
                           index, i);
    }
  }
  const int64_t extent = extent_bytes(operand, spec.limits);
  int64_t end;
  if (extent < 0 || operand.offset < 0 || __builtin_add_overflow(operand.offset, extent, &end) ||
      operand.offset % dtype_bytes(operand.dtype) != 0) {
    return Status::error(Code::invalid, "plan operand %d: senseless shape, strides or offset %lld", index,
                         static_cast<long long>(operand.offset));
  }
  int64_t room = INT64_MAX;
  switch (operand.space) {
    case Space::arena:
      room = spec.arena_bytes;
      break;
    case Space::buffer:
      if (operand.buffer == nullptr || operand.buffer->device().get() != &device) {
        return Status::error(Code::invalid, "plan operand %d: expected a buffer of the plan's device", index);
      }
      room = static_cast<int64_t>(operand.buffer->bytes());
      break;
    case Space::slab:
      if (end > *slab_bytes) *slab_bytes = end;
      break;
    case Space::result:
      if (end > *result_bytes) *result_bytes = end;
      break;
  }
  if (end > room) {
    return Status::error(Code::invalid, "plan operand %d ends at byte %lld of %s%s%s, which has %lld", index,
                         static_cast<long long>(end), space_name(operand.space),
                         operand.buffer != nullptr ? " " : "",
                         operand.buffer != nullptr ? operand.buffer->label().c_str() : "",
                         static_cast<long long>(room));
  }
  return Status();
}

static bool dtype_fits(const PlanSpec& spec, const OpRule& rule, const NodeSpec& node, const char* wanted, DType dtype) {
  const char* alternative = strchr(wanted, '|');
  const size_t length = alternative != nullptr ? static_cast<size_t>(alternative - wanted) : strlen(wanted);
  if (alternative != nullptr && strcmp(alternative + 1, dtype_name(dtype)) == 0) return true;
  const bool is_cache = strncmp(wanted, "cache", length) == 0;
  if (length == 5 && (is_cache || strncmp(wanted, "float", length) == 0)) {
    return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16 || (is_cache && dtype == DType::f8);
  }
  if (wanted[0] != '=') return strlen(dtype_name(dtype)) == length && strncmp(wanted, dtype_name(dtype), length) == 0;
  for (int i = 0; i < rule.num_inputs; i++) {
    if (strlen(rule.operands[i].name) == length - 1 && strncmp(rule.operands[i].name, wanted + 1, length - 1) == 0) {
      const int like = node.operands[static_cast<size_t>(i)];
      return like < 0 || spec.operands[static_cast<size_t>(like)].dtype == dtype;
    }
  }
  return false;
}

static Status check_node(const PlanSpec& spec, size_t index) {
  const NodeSpec& node = spec.nodes[index];
  const auto fail = [&](const char* what, const char* operand) {
    return Status::error(Code::invalid, "plan node %zu (%s, %.120s): %s%s", index, node.op.c_str(), node.label.c_str(),
                         operand, what);
  };
  const OpRule* rule = find_op_rule(node.op);
  if (rule == nullptr) return fail("no such op", "");
  const int count = rule->num_inputs + rule->num_outputs;
  if (static_cast<int>(node.operands.size()) != count) return fail("wrong number of operands", "");
  if (static_cast<int>(node.attributes.size()) != rule->num_attributes) return fail("wrong number of attributes", "");

  const DimExpr* sizes[16 * kMaxRank] = {};
  for (int i = 0; i < count; i++) {
    const OperandRule& wanted = rule->operands[i];
    const int number = node.operands[static_cast<size_t>(i)];
    if (number == -1 && wanted.optional) continue;
    if (number < 0 || number >= static_cast<int>(spec.operands.size())) return fail(": no such operand", wanted.name);
    const OperandSpec& operand = spec.operands[static_cast<size_t>(number)];
    if (operand.rank != wanted.rank) return fail(": wrong number of axes", wanted.name);
    if (operand.layout == Layout::panel && !wanted.is_weight) return fail(": must not be packed", wanted.name);
    if (!dtype_fits(spec, *rule, node, wanted.dtype, operand.dtype)) return fail(": wrong element type", wanted.name);
    for (int axis = 0; axis < wanted.rank; axis++) {
      const DimExpr& size = operand.shape[axis];
      if (wanted.fixed[axis] >= 0) {
        if (!(size == DimExpr{wanted.fixed[axis], 0, 0, 0})) return fail(": wrong size", wanted.name);
        continue;
      }
      const DimExpr*& known = sizes[wanted.dims[axis]];
      if (known == nullptr) known = &size;
      if (!(*known == size)) return fail(": its size differs from that of an earlier operand", wanted.name);
    }
    if (wanted.updates >= 0) {
      const OperandSpec& old = spec.operands[static_cast<size_t>(node.operands[static_cast<size_t>(wanted.updates)])];
      if (old.space != operand.space || old.offset != operand.offset || old.buffer != operand.buffer) {
        return fail(": must be the storage of the input it updates", wanted.name);
      }
    }
  }
  return Status();
}

Status check_plan(const PlanSpec& spec, const Device& device, int64_t* slab_bytes, int64_t* result_bytes) {
  *slab_bytes = 0;
  *result_bytes = 0;
  if (spec.limits.tokens < 0 || spec.limits.rows < 0 || spec.limits.seqs < 0 || spec.arena_bytes < 0) {
    return Status::error(Code::invalid, "plan: limits and arenaBytes must not be negative");
  }
  for (size_t i = 0; i < spec.operands.size(); i++) {
    TRTLLM_TRY(check_operand(spec, device, static_cast<int>(i), slab_bytes, result_bytes));
  }
  for (size_t i = 0; i < spec.nodes.size(); i++) TRTLLM_TRY(check_node(spec, i));
  return Status();
}

}  // namespace trtllm

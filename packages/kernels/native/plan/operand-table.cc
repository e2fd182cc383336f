#include "operand-table.h"

namespace trtllm {

void set_contiguous_strides(TensorRef& ref) {
  int64_t stride = 1;
  for (int i = ref.rank - 1; i >= 0; i--) {
    ref.stride[i] = stride;
    stride *= ref.shape[i];
  }
}

OperandTable::OperandTable(const std::vector<OperandSpec>& operands, const std::vector<int>& uses)
    : refs_(uses.size()), sizes_of_(uses.size(), 0) {
  // HAZARD: patches point into refs_, which must not grow after this.
  for (size_t use = 0; use < uses.size(); use++) {
    if (uses[use] < 0) continue;
    const OperandSpec& operand = operands[static_cast<size_t>(uses[use])];
    TensorRef& ref = refs_[use];
    ref.dtype = operand.dtype;
    ref.layout = operand.layout;
    ref.rank = static_cast<int8_t>(operand.rank);
    bool inner_changes = false;
    for (int i = 0; i < operand.rank; i++) {
      ref.shape[i] = operand.shape[i].constant;
      ref.stride[i] = operand.stride[i];
      if (operand.shape[i].is_constant()) continue;
      const int size = size_number(operand.shape[i]);
      size_patches_.push_back({&ref.shape[i], size});
      if (size < 64) sizes_of_[use] |= 1ull << size;
      inner_changes = inner_changes || i > 0;
    }
    if (operand.contiguous) {
      set_contiguous_strides(ref);
      if (inner_changes) stride_patches_.push_back(&ref);
    }
    if (operand.space == Space::buffer) {
      ref.data = operand.buffer->data() + operand.offset;
    } else {
      base_patches_.push_back({&ref, operand.space, operand.offset});
    }
  }
  values_.resize(sizes_.size());
}

int OperandTable::size_number(const DimExpr& size) {
  for (size_t i = 0; i < sizes_.size(); i++) {
    if (sizes_[i] == size) return static_cast<int>(i);
  }
  sizes_.push_back(size);
  return static_cast<int>(sizes_.size()) - 1;
}

void OperandTable::resolve(const StepSizes& sizes, const Bases& bases) {
  if (!(sizes == resolved_sizes_)) {
    zero_sizes_ = 0;
    for (size_t i = 0; i < sizes_.size(); i++) {
      values_[i] = sizes_[i].at(sizes);
      if (values_[i] == 0 && i < 64) zero_sizes_ |= 1ull << i;
    }
    for (const SizePatch& patch : size_patches_) *patch.target = values_[static_cast<size_t>(patch.size)];
    for (TensorRef* ref : stride_patches_) set_contiguous_strides(*ref);
    resolved_sizes_ = sizes;
  }
  if (!(bases == resolved_bases_)) {
    for (const BasePatch& patch : base_patches_) {
      char* base = patch.space == Space::arena ? bases.arena : patch.space == Space::slab ? bases.slab : bases.result;
      // Sizes are resolved before there is a slab (kernel choice at the limits): data is null then.
      patch.target->data = base != nullptr ? base + patch.offset : nullptr;
    }
    resolved_bases_ = bases;
  }
}

}  // namespace trtllm

#pragma once
#include "../generated/op-schemas.h"
#include "plan-spec.h"

namespace trtllm {

// The schema of the op with this name, or null.
const OpRule* find_op_rule(const std::string& name);

// Bytes from the operand's offset that a step of these sizes can touch; -1 when its sizes or strides are senseless.
int64_t extent_bytes(const OperandSpec& operand, const StepSizes& sizes);

// Checks every operand against the memory it lies in and every node against its op's schema, for all steps within the
// limits. A plan that passes reads and writes only its own memory, whatever its kernels are given within their shapes.
// `slab_bytes` and `result_bytes` become what a step must provide.
Status check_plan(const PlanSpec& spec, const Device& device, int64_t* slab_bytes, int64_t* result_bytes);

}  // namespace trtllm

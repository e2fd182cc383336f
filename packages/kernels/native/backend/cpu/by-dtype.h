#pragma once
#include "../../core/status.h"
#include "../../core/tensor-ref.h"
#include "float16.h"

// Calls f(T*) with the element type of `dtype` as a null T*, for float types; else a Status that names the op.
namespace trtllm {
namespace ISA_NS {

template <class F>
static inline Status by_float(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f(static_cast<float*>(nullptr));
    case DType::f16: return f(static_cast<F16*>(nullptr));
    case DType::bf16: return f(static_cast<Bf16*>(nullptr));
    default: return Status::error(Code::invalid, "%s: expected a float type, got %s", op, dtype_name(dtype));
  }
}

// Start of row `i` of an operand with rows along its first axis.
template <class T>
static inline T* row_of(const TensorRef& t, int64_t i) {
  return static_cast<T*>(t.data) + i * t.stride[0];
}

// Rows a thread takes at once, so that a task is worth its hand-over.
static inline int64_t row_grain(int64_t row_elements) {
  return row_elements >= 16384 ? 1 : 16384 / (row_elements > 0 ? row_elements : 1);
}

}  // namespace ISA_NS
}  // namespace trtllm

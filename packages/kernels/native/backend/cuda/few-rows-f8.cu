#include "few-rows-f8.h"

#include "quantized-linear.cuh"

namespace trtllm::cuda {

Status linear_few_rows_f8(const char* op, const LinearF8Args& o, bool packed, cudaStream_t stream) {
  return by_float(op, o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const auto run = o.y.dtype == DType::f32 ? linear_few_rows<f8, T, float> : linear_few_rows<f8, T, T>;
    run(quantized_operands(o), packed, stream);
    return launched(op);
  });
}

}  // namespace trtllm::cuda

#pragma once
#include <type_traits>

#include "few-rows.cuh"

// What the launches of linear-f8 and linear-i8 share: checks, operands and the kernels that stream the weight.
namespace trtllm::cuda {

template <class Args>
Status check_quantized_linear(const char* op, DType weight_type, const Args& o) {
  const bool fits = o.weight.dtype == weight_type && o.weight.layout == Layout::strided &&
                    (o.y.dtype == o.x.dtype || o.y.dtype == DType::f32) && o.weight_scale.dtype == DType::f32 &&
                    (!o.bias.present() || o.bias.dtype == o.x.dtype);
  if (!fits) {
    return Status::error(Code::unsupported, "%s: x is %s, weight %s, y %s; the weight must be row-major %s, bias like x and y like x or f32",
                         op, dtype_name(o.x.dtype), dtype_name(o.weight.dtype), dtype_name(o.y.dtype), dtype_name(weight_type));
  }
  if (o.x.shape[0] > kMaxFewRowGroups * 8 || o.y.shape[1] > INT32_MAX) {
    return Status::error(Code::unsupported, "%s: %lld x %lld results are more than a grid holds", op,
                         static_cast<long long>(o.x.shape[0]), static_cast<long long>(o.y.shape[1]));
  }
  return Status();
}

template <class Args>
LinearOperands quantized_operands(const Args& o) {
  return LinearOperands{o.x.data,
                        o.weight.data,
                        o.bias.present() ? o.bias.data : nullptr,
                        o.weight_scale.template as<float>(),
                        o.weight_scale.rank == 2 ? o.weight_scale.stride[0] : 0,
                        o.y.data,
                        o.x.shape[0],
                        o.x.shape[1],
                        o.y.shape[1],
                        o.x.stride[0],
                        o.weight.stride[0],
                        o.y.stride[0]};
}

template <class W, class Args>
bool quantized_rows_are_packed(const Args& o) {
  return o.x.shape[1] % Pack<W>::kSize == 0 && rows_are_packed(o.x) && rows_are_packed(o.weight);
}

}  // namespace trtllm::cuda

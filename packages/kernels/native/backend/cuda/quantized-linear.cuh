#pragma once
#include <gemm/row-dots-quantized.cuh>
#include <type_traits>

#include "launch.cuh"

// What the launches of linear-f8 and linear-i8 share: checks, operands and the weight-streaming kernels.
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
  if (o.x.shape[0] > INT32_MAX || o.y.shape[1] > (int64_t{1} << 32)) {
    return Status::error(Code::unsupported, "%s: %lld x %lld results are more than a grid holds", op,
                         static_cast<long long>(o.x.shape[0]), static_cast<long long>(o.y.shape[1]));
  }
  return Status();
}

template <class Args>
QuantizedLinearOperands quantized_operands(const Args& o) {
  return QuantizedLinearOperands{o.x.data,
                                 o.weight.data,
                                 o.weight_scale.template as<float>(),
                                 o.bias.present() ? o.bias.data : nullptr,
                                 o.y.data,
                                 o.x.shape[0],
                                 o.x.shape[1],
                                 o.y.shape[1],
                                 o.x.stride[0],
                                 o.weight.stride[0],
                                 o.y.stride[0]};
}

template <class W, class T, class Y, int kRows>
void run_row_dots_quantized(const QuantizedLinearOperands& o, bool packed, cudaStream_t stream) {
  constexpr int64_t kGroups = 32768;  // of rows in one launch: the grid's second axis
  for (int64_t row = 0; row < o.rows; row += kGroups * kRows) {
    QuantizedLinearOperands part = o;
    part.x = static_cast<const T*>(o.x) + row * o.x_stride;
    part.y = static_cast<Y*>(o.y) + row * o.y_stride;
    part.rows = o.rows - row < kGroups * kRows ? o.rows - row : kGroups * kRows;
    const dim3 grid(static_cast<unsigned>((o.out + 3) / 4), static_cast<unsigned>((part.rows + kRows - 1) / kRows));
    const auto kernel = packed ? linear_row_dots_quantized_kernel<W, T, Y, kRows, true>
                               : linear_row_dots_quantized_kernel<W, T, Y, kRows, false>;
    kernel<<<grid, 128, 0, stream>>>(part);
  }
}

// Any number of rows; meant for few.
template <class W, class T, class Y>
Status stream_quantized(const char* op, const QuantizedLinearOperands& o, bool packed, cudaStream_t stream) {
  if (o.rows <= 1) {
    run_row_dots_quantized<W, T, Y, 1>(o, packed, stream);
  } else if (o.rows <= 2) {
    run_row_dots_quantized<W, T, Y, 2>(o, packed, stream);
  } else if (o.rows <= 4) {
    run_row_dots_quantized<W, T, Y, 4>(o, packed, stream);
  } else {
    run_row_dots_quantized<W, T, Y, 8>(o, packed, stream);
  }
  return launched(op);
}

template <class W, class Args>
bool quantized_rows_are_packed(const Args& o) {
  return o.x.shape[1] % Pack<W>::kSize == 0 && rows_are_packed(o.x) && rows_are_packed(o.weight);
}

}  // namespace trtllm::cuda

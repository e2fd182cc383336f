#pragma once
#include "f8-product.h"
#include "few-rows-f8.h"
#include "quantized-linear.cuh"
#include "round-rows.cuh"

// Rows of x in f8 with a scale each, in a kernel's workspace, and what multiplies them by weights in f8.
namespace trtllm::cuda {

// From so many rows on, products of f8 by f8 are worth rounding x; fewer read it as it is (few-rows.cuh).
constexpr int64_t kMinRoundedRows = 9;

// Values, scales, then what cuBLASLt wants.
struct RoundedRows {
  int64_t rows, in, values_bytes, scales_bytes;
  RoundedRows(int64_t rows_, int64_t in_)
      : rows(rows_), in(in_), values_bytes((rows * in + 255) / 256 * 256), scales_bytes((rows * 4 + 255) / 256 * 256) {}
  int64_t bytes() const { return values_bytes + scales_bytes + kCublasLtWorkspaceBytes; }
  // `packed`: of o's rows.
  bool suits(bool packed, const LinearF8Args& o, const LaunchContext& context) const {
    return rows >= kMinRoundedRows && packed && o.y.dtype == o.x.dtype && in * dtype_bytes(o.x.dtype) <= 16 * kMaxRoundedPacks &&
           context.workspace_bytes >= bytes();
  }
  f8* values(const LaunchContext& context) const { return static_cast<f8*>(context.workspace); }
  float* scales(const LaunchContext& context) const {
    return reinterpret_cast<float*>(static_cast<char*>(context.workspace) + values_bytes);
  }
};

// y of the rows in the workspace. False where nothing can multiply them.
inline bool multiply_rounded_rows(const RoundedRows& rounded, const LinearF8Args& o, LaunchContext& context, Status* status) {
  TensorRef x;
  x.data = rounded.values(context);
  x.dtype = DType::f8;
  x.rank = 2;
  x.shape[0] = rounded.rows;
  x.shape[1] = x.stride[0] = rounded.in;
  x.stride[1] = 1;
  const CublasLtLinear call{x, o.weight, o.bias, o.y, rounded.scales(context), o.weight_scale.as<float>()};
  char* rest = static_cast<char*>(context.workspace) + rounded.values_bytes + rounded.scales_bytes;
  return f8_product(call, rest, kCublasLtWorkspaceBytes, stream_of(context), status);
}

// linear-f8 of rows that `make` writes in the float type and `round` as f8, in the workspace: place and stride of o.x are set here.
// Where nothing multiplies the rounded rows, `make` runs after `round`. sources_packed: what `round` reads and writes besides is.
template <class T, class Make, class Round>
Status linear_of_produced_rows(const char* op, LinearF8Args o, bool sources_packed, LaunchContext& context, Make&& make, Round&& round) {
  TRTLLM_TRY(check_quantized_linear(op, DType::f8, o));
  if (o.x.shape[0] == 0) return Status();
  o.x.data = context.workspace;
  o.x.stride[0] = o.x.shape[1];
  const RoundedRows rounded(o.x.shape[0], o.x.shape[1]);
  const bool packed = quantized_rows_are_packed<f8>(o);
  if constexpr (sizeof(T) == 2) {
    if (sources_packed && rounded.suits(packed, o, context)) {
      TRTLLM_TRY(round(rounded.values(context), rounded.scales(context)));
      Status status;
      if (multiply_rounded_rows(rounded, o, context, &status)) return status;
    }
  }
  TRTLLM_TRY(make(o.x));
  if (o.y.shape[1] == 0) return Status();
  return linear_few_rows_f8(op, o, packed, stream_of(context));
}

// What it needs for rows like those of `x`.
inline int64_t produced_rows_workspace(const TensorRef& x) {
  const int64_t plain = x.shape[0] * x.shape[1] * dtype_bytes(x.dtype);
  const int64_t rounded = x.shape[0] >= kMinRoundedRows ? RoundedRows(x.shape[0], x.shape[1]).bytes() : 0;
  return plain > rounded ? plain : rounded;
}

}  // namespace trtllm::cuda

// y = x * weight^T + bias, weight [out, in] row-major, f32 sums, one rounding. Up to 8 rows the weight is streamed past them
// (native/backend/cuda/few-rows.cuh). More: cuBLASLt. Where it is not installed, or operands are not 16-byte aligned: up to 32
// rows streaming, then our tiles (gemm/tile-mma.sm80.cuh for f16 and bf16, gemm/tile-plain.cuh for f32). The choice is made per
// call, as a plan's node serves every number of rows: a row's bits may change where the rows pass 1 and 8 and, within cuBLASLt,
// as it likes.
#include <gemm/tile-mma.sm80.cuh>
#include <gemm/tile-plain.cuh>
#include <type_traits>

#include "../../native/backend/cuda/cublaslt.h"
#include "../../native/backend/cuda/few-rows.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

constexpr int64_t kMaxOwnRows = 8;  // more are cuBLASLt's
constexpr int64_t kMaxFewRows = 32;

template <class T, class Y>
static void run_tiles(const LinearOperands& o, bool packed, cudaStream_t stream) {
  const int64_t row_tiles = (o.rows + 63) / 64, column_tiles = (o.out + 63) / 64;
  const unsigned grid = static_cast<unsigned>(row_tiles * column_tiles);
  if constexpr (std::is_same_v<T, float>) {
    linear_tile_plain_kernel<<<grid, 256, 0, stream>>>(o, row_tiles);
  } else {
    const auto kernel = packed ? linear_tile_mma_kernel<T, Y, true> : linear_tile_mma_kernel<T, Y, false>;
    kernel<<<grid, 128, 0, stream>>>(o, row_tiles);
  }
}

template <class T, class Y>
static Status run_linear(const LinearArgs& args, const LinearOperands& o, LaunchContext& context) {
  const cudaStream_t stream = stream_of(context);
  const bool packed = o.in % Pack<T>::kSize == 0 && rows_are_packed(args.x) && rows_are_packed(args.weight);
  Status status;
  const CublasLtLinear call{args.x, args.weight, args.bias, args.y};
  if (o.rows > kMaxOwnRows && cublaslt_linear(call, context.workspace, context.workspace_bytes, stream, &status)) {
    return status;
  }
  if (o.rows <= kMaxFewRows) {
    linear_few_rows<T, T, Y>(o, packed, stream);
  } else {
    run_tiles<T, Y>(o, packed, stream);
  }
  return launched("linear");
}

// With many rows the workspace is cuBLASLt's.
static int64_t linear_workspace(const OpCall& call) {
  return LinearArgs::from(call).x.shape[0] > kMaxOwnRows ? kCublasLtWorkspaceBytes : 0;
}

static Status launch_linear(const OpCall& call, LaunchContext& context) {
  const auto args = LinearArgs::from(call);
  const LinearOperands o{args.x.data,
                         args.weight.data,
                         args.bias.present() ? args.bias.data : nullptr,
                         nullptr,
                         0,
                         args.y.data,
                         args.x.shape[0],
                         args.x.shape[1],
                         args.y.shape[1],
                         args.x.stride[0],
                         args.weight.stride[0],
                         args.y.stride[0]};
  const bool same = args.y.dtype == args.x.dtype;
  if (args.x.dtype != args.weight.dtype || (!same && args.y.dtype != DType::f32) || args.weight.layout != Layout::strided ||
      (args.bias.present() && args.bias.dtype != args.x.dtype)) {
    return Status::error(Code::unsupported,
                         "linear: x is %s, weight %s, y %s; x, weight (row-major) and bias must agree, y too or be f32",
                         dtype_name(args.x.dtype), dtype_name(args.weight.dtype), dtype_name(args.y.dtype));
  }
  if ((o.rows + 63) / 64 * ((o.out + 63) / 64) > INT32_MAX || o.out > INT32_MAX) {
    return Status::error(Code::unsupported, "linear: %lld x %lld results are more than a grid holds",
                         static_cast<long long>(o.rows), static_cast<long long>(o.out));
  }
  if (o.rows == 0 || o.out == 0) return Status();
  return by_float("linear", args.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    return same ? run_linear<T, T>(args, o, context) : run_linear<T, float>(args, o, context);
  });
}

TRTLLM_CUDA_KERNELS(linear, {"linear", "linear.cuda", 0, nullptr, linear_workspace, launch_linear})

}  // namespace trtllm::cuda

// y = x * (weight * scale)^T + bias, weight f8 [out, in] row-major with a scale for each row. Up to 16 rows: the weight is
// streamed and unpacked in registers, x stays as it is (native/backend/cuda/few-rows.cuh). More: rows of x are rounded to f8 with
// a scale of their own and f8 is multiplied by f8: up to 64 rows by gemm/stream-f8.sm90.cuh where the shape suits it, else by
// cuBLASLt, where it is installed and the GPU has such arithmetic (sm_89 on).
#include "../../native/backend/cuda/cublaslt.h"
#include "../../native/backend/cuda/quantized-linear.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/round-rows.cuh"
#include "../../native/generated/op-args.h"
#include "stream-f8-launch.cuh"

namespace trtllm::cuda {

constexpr int64_t kMaxStreamedRows = 16;

// Workspace with many rows: x in f8, its scales, and what cuBLASLt wants.
struct RoundedRows {
  int64_t values_bytes, scales_bytes;
  explicit RoundedRows(const TensorRef& x)
      : values_bytes((x.shape[0] * x.shape[1] + 255) / 256 * 256), scales_bytes((x.shape[0] * 4 + 255) / 256 * 256) {}
  int64_t bytes() const { return values_bytes + scales_bytes + kCublasLtWorkspaceBytes; }
};

template <class T>
static bool multiply_rounded(const LinearF8Args& o, LaunchContext& context, Status* status) {
  const RoundedRows rounded(o.x);
  const int64_t rows = o.x.shape[0], in = o.x.shape[1];
  if (context.workspace_bytes < rounded.bytes() || o.y.dtype == DType::f32) return false;
  char* workspace = static_cast<char*>(context.workspace);
  float* scales = reinterpret_cast<float*>(workspace + rounded.values_bytes);
  CublasLtLinear call{o.x, o.weight, o.bias, o.y, scales, o.weight_scale.as<float>()};
  call.x.data = workspace;
  call.x.dtype = DType::f8;
  call.x.stride[0] = in;
  // In this order on one stream; without an algorithm the rounded rows are not used.
  round_rows_kernel<T><<<static_cast<unsigned>(rows), 256, 0, stream_of(context)>>>(
      o.x.as<T>(), o.x.stride[0], static_cast<f8*>(call.x.data), scales, in);
  *status = launched("linear-f8");
  if (!status->ok()) return true;
  if constexpr (sizeof(T) == 2) {
    const StreamF8Cut cut = cut_stream_f8(rows, in, o.y.shape[1]);
    if (cut.suits) {
      StreamF8Operands stream{};
      stream.x_scale = scales;
      stream.weight_scale = call.weight_scale;
      stream.bias = o.bias.present() ? o.bias.data : nullptr;
      stream.y = o.y.data;
      stream.y_stride = o.y.stride[0];
      stream.rows = static_cast<int>(rows);
      stream.out = static_cast<int>(o.y.shape[1]);
      stream.stretches = static_cast<int>(cut.stretches);
      const auto run = rows <= 32 ? run_stream_f8<T, 32> : run_stream_f8<T, 64>;
      *status = run(cut, stream, call.x.data, o.weight.data, in, o.weight.stride[0], stream_of(context));
      return true;
    }
  }
  return cublaslt_linear(call, workspace + rounded.values_bytes + rounded.scales_bytes, kCublasLtWorkspaceBytes,
                         stream_of(context), status);
}

template <class T, class Y>
static Status run_linear_f8(const LinearF8Args& args, LaunchContext& context) {
  const bool packed = quantized_rows_are_packed<f8>(args);
  Status status;
  if (args.x.shape[0] > kMaxStreamedRows && packed && multiply_rounded<T>(args, context, &status)) return status;
  linear_few_rows<f8, T, Y>(quantized_operands(args), packed, stream_of(context));
  return launched("linear-f8");
}

static int64_t linear_f8_workspace(const OpCall& call) {
  const auto args = LinearF8Args::from(call);
  return args.x.shape[0] > kMaxStreamedRows ? RoundedRows(args.x).bytes() : 0;
}

static Status launch_linear_f8(const OpCall& call, LaunchContext& context) {
  const auto args = LinearF8Args::from(call);
  TRTLLM_TRY(check_quantized_linear("linear-f8", DType::f8, args));
  if (args.x.shape[0] == 0 || args.y.shape[1] == 0) return Status();
  return by_float("linear-f8", args.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    return args.y.dtype == DType::f32 ? run_linear_f8<T, float>(args, context) : run_linear_f8<T, T>(args, context);
  });
}

TRTLLM_CUDA_KERNELS(linear_f8, {"linear-f8", "linear-f8.cuda", 0, nullptr, linear_f8_workspace, launch_linear_f8})

}  // namespace trtllm::cuda

// y = x * (weight * scale)^T + bias, weight f8 [out, in] row-major with a scale for each 128 x 128. Up to 8 rows, and where there are
// no tiles of Hopper: the weight is streamed and unpacked in registers, x stays as it is (native/backend/cuda/few-rows.cuh). More: runs
// of 128 elements of x are rounded to f8 with a scale each, and tiles add the products of a run at a time (gemm/product-tile.sm90.cuh).
#include "../../native/backend/cuda/product-launch.cuh"
#include "../../native/backend/cuda/quantized-linear.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/round-runs.cuh"
#include "../../native/core/scale-blocks.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

constexpr int64_t kMinRunRows = 9;

// Workspace: x in f8, then a scale for each run of 128 of it.
struct RoundedRuns {
  int64_t rows, in, runs, values_bytes;
  explicit RoundedRuns(const TensorRef& x)
      : rows(x.shape[0]), in(x.shape[1]), runs((in + 127) / 128), values_bytes((rows * in + 255) / 256 * 256) {}
  int64_t bytes() const { return values_bytes + rows * runs * 4; }
};

#ifdef TRTLLM_SM90A

static bool suits_tiles(const LinearF8BlocksArgs& o, const LaunchContext& context) {
  int device = 0, major = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  const RoundedRuns rounded(o.x);
  return major == 9 && rounded.rows >= kMinRunRows && context.workspace_bytes >= rounded.bytes() && o.y.dtype == o.x.dtype &&
         quantized_rows_are_packed<f8>(o) && rows_are_packed(o.y) && o.weight_scale.stride[0] == rounded.runs &&
         tensor_map_encoder() != nullptr;
}

template <class T>
static Status run_tiles(const LinearF8BlocksArgs& o, LaunchContext& context) {
  const RoundedRuns rounded(o.x);
  char* workspace = static_cast<char*>(context.workspace);
  float* scales = reinterpret_cast<float*>(workspace + rounded.values_bytes);
  const cudaStream_t stream = stream_of(context);
  round_runs_kernel<T><<<grid_of((rounded.rows * rounded.runs + 7) / 8), 256, 0, stream>>>(
      o.x.as<T>(), o.x.stride[0], reinterpret_cast<f8*>(workspace), scales, rounded.in, rounded.runs, rounded.rows);
  TRTLLM_TRY(launched("linear-f8-blocks"));
  CublasLtLinear call{o.x, o.weight, o.bias, o.y, scales, o.weight_scale.as<float>()};
  call.x.data = workspace;
  call.x.dtype = DType::f8;
  call.x.stride[0] = rounded.in;
  // Few rows in one round of small tiles, which read the weight once.
  const int64_t small = (o.y.shape[1] + 63) / 64 * ((rounded.rows + 31) / 32);
  if (rounded.rows <= 32 || (rounded.rows <= 64 && small <= multiprocessors())) {
    return launch_product<ProductTile<f8, T, 64, 32, 1, true, ProductForm::blocks>>(call, false, stream);
  }
  return launch_product<ProductTile<f8, T, 128, 128, 2, false, ProductForm::blocks>>(call, false, stream);
}

#endif

template <class T, class Y>
static Status run_linear_f8_blocks(const LinearF8BlocksArgs& args, LaunchContext& context) {
#ifdef TRTLLM_SM90A
  if constexpr (sizeof(T) == 2 && std::is_same_v<T, Y>) {
    if (suits_tiles(args, context)) return run_tiles<T>(args, context);
  }
#endif
  linear_few_rows<BlockF8, T, Y>(quantized_operands(args), quantized_rows_are_packed<f8>(args), stream_of(context));
  return launched("linear-f8-blocks");
}

static int64_t linear_f8_blocks_workspace(const OpCall& call) {
  const auto args = LinearF8BlocksArgs::from(call);
  return args.x.shape[0] >= kMinRunRows ? RoundedRuns(args.x).bytes() : 0;
}

static Status launch_linear_f8_blocks(const OpCall& call, LaunchContext& context) {
  const auto args = LinearF8BlocksArgs::from(call);
  TRTLLM_TRY(check_quantized_linear("linear-f8-blocks", DType::f8, args));
  TRTLLM_TRY(check_scale_blocks("linear-f8-blocks", args.weight, args.weight_scale));
  if (args.x.shape[0] == 0 || args.y.shape[1] == 0) return Status();
  return by_float("linear-f8-blocks", args.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    return args.y.dtype == DType::f32 ? run_linear_f8_blocks<T, float>(args, context) : run_linear_f8_blocks<T, T>(args, context);
  });
}

TRTLLM_CUDA_KERNELS(linear_f8_blocks,
                    {"linear-f8-blocks", "linear-f8-blocks.cuda", 0, nullptr, linear_f8_blocks_workspace, launch_linear_f8_blocks})

}  // namespace trtllm::cuda

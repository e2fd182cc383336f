// Rows through the weights of their experts (moe/expert-plain.cuh).
#include <moe/expert-plain.cuh>

#include "../../native/backend/cuda/expert-call.h"
#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

static Status launch_expert_linear(const OpCall& call, LaunchContext& context) {
  const auto args = ExpertLinearArgs::from(call);
  ExpertOperands o;
  const Status status = expert_operands("expert-linear", args, &o);
  if (!status.ok()) return status;
  if (args.x.dtype != args.weight.dtype || args.weight.layout != Layout::strided) {
    return Status::error(Code::unsupported, "expert-linear: x is %s, weight %s; they must agree, the weight row-major",
                         dtype_name(args.x.dtype), dtype_name(args.weight.dtype));
  }
  if (o.pairs == 0 || o.out == 0) return Status();
  return by_float("expert-linear", args.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const int64_t results = o.gate != Gate::none ? 32 : 64;
    const dim3 grid(static_cast<unsigned>(most_expert_tiles(o.pairs, o.experts, 64)),
                    static_cast<unsigned>((o.width + results - 1) / results));
    expert_plain_kernel<T><<<grid, 256, 0, stream_of(context)>>>(o);
    return launched("expert-linear");
  });
}

TRTLLM_CUDA_KERNELS(expert_linear, {"expert-linear", "expert-linear.cuda", 0, nullptr, nullptr, launch_expert_linear,
                                    RowBits::fixed})

}  // namespace trtllm::cuda

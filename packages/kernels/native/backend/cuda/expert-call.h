#pragma once
#include <moe/expert-operands.cuh>

#include "../../core/kernel.h"

// The operands of a call of an expert linear, whatever its weights are kept in, for kernels.
namespace trtllm::cuda {

// `Args` are those of an op with the operands and attributes of `expert-linear`. Refuses sizes that do not fit together.
template <class Args>
Status expert_operands(const char* op, const Args& args, ExpertOperands* o) {
  const int64_t pairs = args.order.shape[0], experts = args.offsets.shape[0] - 1, out = args.weight.shape[1];
  const int64_t width = args.gate != 0 ? out / 2 : out;
  const int64_t rows = args.fan_out > 0 ? args.x.shape[0] * args.fan_out : args.x.shape[0];
  if (args.y.shape[1] != width || (args.gate != 0 && out % 2 != 0) || args.gate < 0 || args.gate > 3 || rows != pairs ||
      (args.scale.present() && (args.scale.shape[0] * args.scale.shape[1] != pairs || args.scale.stride[0] != args.scale.shape[1])) ||
      pairs > INT32_MAX / 2 || experts > INT32_MAX / 2) {
    return Status::error(Code::invalid, "%s: %lld rows x %d for %lld pairs, %lld outputs (gate %d) as width %lld", op,
                         static_cast<long long>(args.x.shape[0]), args.fan_out, static_cast<long long>(pairs),
                         static_cast<long long>(out), args.gate, static_cast<long long>(args.y.shape[1]));
  }
  *o = {args.x.data,
        args.weight.data,
        args.bias.present() ? args.bias.data : nullptr,
        args.scale.present() ? args.scale.template as<float>() : nullptr,
        args.order.template as<int32_t>(),
        args.offsets.template as<int32_t>(),
        args.y.data,
        pairs,
        args.x.shape[1],
        out,
        width,
        args.x.stride[0],
        args.y.stride[0],
        args.bias.stride[0],
        static_cast<int>(experts),
        args.fan_out,
        static_cast<Gate>(args.gate),
        args.limit,
        args.alpha};
  return Status();
}

}  // namespace trtllm::cuda

#pragma once
#include <attention/rotary-step.h>

#include "../../core/status.h"
#include "../../core/tensor-ref.h"

// The rotation an op asks for, checked.
namespace trtllm::cuda {

template <class Args>
Status rotary_step(const char* op, const Args& o, int64_t head_dim, RotaryStep* step) {
  const int64_t half = o.inverse_frequencies.shape[1];
  if (o.rotary_dim != 2 * half || 2 * half > head_dim || half > kMaxRotaryHalf) {
    return Status::error(Code::invalid, "%s: rotaryDim %d with %lld frequencies and head size %lld", op, o.rotary_dim,
                         static_cast<long long>(half), static_cast<long long>(head_dim));
  }
  *step = RotaryStep{o.inverse_frequencies.template as<float>(),
                     o.variant.present() ? o.variant.template as<int32_t>() : nullptr,
                     o.positions.template as<int32_t>(),
                     o.inverse_frequencies.shape[0],
                     o.inverse_frequencies.stride[0],
                     static_cast<int32_t>(half),
                     o.interleaved != 0,
                     o.attention_factor,
                     o.dynamic_factor,
                     o.base,
                     o.dynamic_length};
  return Status();
}

}  // namespace trtllm::cuda

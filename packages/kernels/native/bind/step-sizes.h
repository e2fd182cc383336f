#pragma once
#include "../plan/plan-spec.h"
#include "convert-values.h"

namespace trtllm {

// { tokens, rows, seqs }
inline StepSizes to_step_sizes(const Napi::Object& object) {
  return {to_integer(object.Get("tokens"), "tokens"), to_integer(object.Get("rows"), "rows"),
          to_integer(object.Get("seqs"), "seqs")};
}

}  // namespace trtllm

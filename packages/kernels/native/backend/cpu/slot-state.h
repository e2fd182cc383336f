#pragma once
#include <cstring>

#include "../../core/tensor-ref.h"
#include "../../generated/sampling-words.h"

// One slot's sampling record and token row, seen through their operands. Functions are `static`: see float16.h.
namespace trtllm {

static inline float word_f32(const int32_t* words, int at) {
  float x;
  memcpy(&x, words + at, 4);
  return x;
}

// Row `slot` of an i32 state operand, or null when the slot does not exist.
static inline int32_t* slot_row(const TensorRef& state, int64_t slot) {
  if (slot < 0 || slot >= state.shape[0]) return nullptr;
  return static_cast<int32_t*>(state.data) + slot * state.stride[0];
}

}  // namespace trtllm

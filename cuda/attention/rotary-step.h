#pragma once
#include <cstdint>

namespace trtllm::cuda {

// How pairs of elements are rotated: by angles of f32(position) * inverse frequency, of the token's variant where there are
// several. What the dynamic kind changes beyond `dynamic_length` positions says rotary.cuh.
struct RotaryStep {
  const float* inverse;
  const int32_t* variant;
  const int32_t* positions;
  int64_t variants, variant_stride;
  int32_t half;
  bool interleaved;
  float attention_factor;
  double dynamic_factor, base;
  int64_t dynamic_length;
};

// Shared memory a token's table takes: cosine[half], sine[half].
constexpr int32_t kMaxRotaryHalf = 512;

}  // namespace trtllm::cuda

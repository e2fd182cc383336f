#pragma once
#include <trtllm/convert.cuh>

#include "rotary-step.h"

// Rotation of one pair: (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin), cos and sin of f32(position) * frequency scaled by
// attention_factor. Cosine and sine are computed in f64 from the f32 angle: right for any position.
namespace trtllm::cuda {

__device__ __forceinline__ void rotary_angle(const RotaryStep& step, int64_t token, int32_t pair, float* cosine, float* sine) {
  int64_t v = step.variant == nullptr ? 0 : step.variant[token];
  if (v < 0 || v >= step.variants) v = 0;
  const int64_t position = step.positions[token];
  float frequency = step.inverse[v * step.variant_stride + pair];
  if (step.dynamic_factor > 0 && position + 1 > step.dynamic_length && step.half > 1) {
    const double dim = 2.0 * step.half;
    const double growth = step.dynamic_factor * static_cast<double>(position + 1) / static_cast<double>(step.dynamic_length) -
                          (step.dynamic_factor - 1);
    frequency = static_cast<float>(pow(step.base * pow(growth, dim / (dim - 2)), -2.0 * pair / dim));
  }
  double s, c;
  sincos(static_cast<double>(__fmul_rn(static_cast<float>(position), frequency)), &s, &c);
  *cosine = static_cast<float>(c) * step.attention_factor;
  *sine = static_cast<float>(s) * step.attention_factor;
}

// The elements of pair `pair` are at first_of and second_of.
__device__ __forceinline__ int32_t first_of(const RotaryStep& step, int32_t pair) {
  return step.interleaved ? 2 * pair : pair;
}
__device__ __forceinline__ int32_t second_of(const RotaryStep& step, int32_t pair) {
  return step.interleaved ? 2 * pair + 1 : pair + step.half;
}

// Fills the table; the caller synchronises. Results may replace what they come from: each thread owns its pair.
__device__ __forceinline__ void rotary_table(const RotaryStep& step, int64_t token, float* cosine, float* sine) {
  for (int32_t pair = threadIdx.x; pair < step.half; pair += blockDim.x) rotary_angle(step, token, pair, cosine + pair, sine + pair);
}

// Elements are rounded to T; `put(i, element)` takes each.
template <class T, class Put>
__device__ __forceinline__ void rotate_unit(const RotaryStep& step, const T* x, int32_t unit, const float* cosine, const float* sine, Put put) {
  if (unit >= step.half) {  // beyond the pairs: copied elements
    put(unit + step.half, x[unit + step.half]);
    return;
  }
  const int32_t i = first_of(step, unit), j = second_of(step, unit);
  const float first = to_f32(x[i]), second = to_f32(x[j]), c = cosine[unit], s = sine[unit];
  put(i, from_f32<T>(fmaf(-second, s, first * c)));
  put(j, from_f32<T>(fmaf(first, s, second * c)));
}

template <class T>
__device__ __forceinline__ void rotate_unit(const RotaryStep& step, const T* x, T* y, int32_t unit, const float* cosine, const float* sine) {
  rotate_unit(step, x, unit, cosine, sine, [&](int32_t at, T value) { y[at] = value; });
}

}  // namespace trtllm::cuda

#pragma once
#include "launch.cuh"

// Rotation of one pair: (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin), cos and sin of f32(position) * frequency scaled by
// attention_factor. Cosine and sine are computed in f64 from the f32 angle: right for any position.
namespace trtllm::cuda {

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

  __device__ __forceinline__ void angle(int64_t token, int32_t pair, float* cosine, float* sine) const {
    int64_t v = variant == nullptr ? 0 : variant[token];
    if (v < 0 || v >= variants) v = 0;
    const int64_t position = positions[token];
    float frequency = inverse[v * variant_stride + pair];
    if (dynamic_factor > 0 && position + 1 > dynamic_length && half > 1) {
      const double dim = 2.0 * half;
      const double growth = dynamic_factor * static_cast<double>(position + 1) / static_cast<double>(dynamic_length) -
                            (dynamic_factor - 1);
      frequency = static_cast<float>(pow(base * pow(growth, dim / (dim - 2)), -2.0 * pair / dim));
    }
    double s, c;
    sincos(static_cast<double>(__fmul_rn(static_cast<float>(position), frequency)), &s, &c);
    *cosine = static_cast<float>(c) * attention_factor;
    *sine = static_cast<float>(s) * attention_factor;
  }
};

// The elements of pair `pair` are at first_of and second_of.
__device__ __forceinline__ int32_t first_of(const RotaryStep& step, int32_t pair) {
  return step.interleaved ? 2 * pair : pair;
}
__device__ __forceinline__ int32_t second_of(const RotaryStep& step, int32_t pair) {
  return step.interleaved ? 2 * pair + 1 : pair + step.half;
}

// Shared memory a token's table takes: cosine[half], sine[half].
constexpr int32_t kMaxRotaryHalf = 512;

// Fills the table; the caller synchronises. Results may replace what they come from: each thread owns its pair.
__device__ __forceinline__ void rotary_table(const RotaryStep& step, int64_t token, float* cosine, float* sine) {
  for (int32_t pair = threadIdx.x; pair < step.half; pair += blockDim.x) step.angle(token, pair, cosine + pair, sine + pair);
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

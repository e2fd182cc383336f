#pragma once
#include <cmath>

#include "vec.h"

// Rotary embedding of one head: pairs (x1, x2) become (x1 cos - x2 sin, x2 cos + x1 sin).
namespace trtllm {
namespace ISA_NS {

constexpr int64_t kMaxRotaryHalf = 512;

struct RotaryRule {
  int64_t half;             // pairs
  bool interleaved;         // pairs (2i, 2i + 1) instead of (i, i + half)
  float attention_factor;
  double dynamic_factor;    // 0 = off
  int64_t dynamic_length;
  double base;
};

// Cosine and sine of sixteen angles, right to f32 for |angle| < 2^31: the argument is reduced by pi/2 in two parts in
// f64 (33 bits, so that n * part is exact, and the rest), then Taylor series on [-pi/4, pi/4].
static inline void cosine_sine(const float* angle, float* cosine, float* sine) {
  for (int i = 0; i < kLanes; i++) {
    const double x = angle[i];
    const double shifted = x * 0.63661977236758134308 + 6755399441055744.0;  // 1.5 * 2^52: low bits hold the integer
    uint64_t quadrant;
    memcpy(&quadrant, &shifted, 8);
    const double n = shifted - 6755399441055744.0;
    const double r = (x - n * 0x1.921fb544p+0) - n * 0x1.0b4611a626331p-34;
    const double q = r * r;
    const double s =
        r + r * q * (-1.0 / 6 + q * (1.0 / 120 + q * (-1.0 / 5040 + q * (1.0 / 362880 - q * (1.0 / 39916800)))));
    const double c =
        1.0 + q * (-0.5 + q * (1.0 / 24 + q * (-1.0 / 720 + q * (1.0 / 40320 + q * (-1.0 / 3628800 + q / 479001600)))));
    const double sine_part = quadrant & 1 ? c : s;
    const double cosine_part = quadrant & 1 ? s : c;
    sine[i] = static_cast<float>(quadrant & 2 ? -sine_part : sine_part);
    cosine[i] = static_cast<float>((quadrant + 1) & 2 ? -cosine_part : cosine_part);
  }
}

// Fills cosine[half] and sine[half] (room for a multiple of sixteen) for one position.
static inline void rotary_table(const RotaryRule& rule, const float* inverse, int64_t position, float* cosine,
                                float* sine) {
  const double dim = 2.0 * static_cast<double>(rule.half);
  const double length = static_cast<double>(position) + 1;
  const bool dynamic = rule.dynamic_factor > 0 && position + 1 > rule.dynamic_length && rule.half > 1;
  double base = rule.base;
  if (dynamic) {
    const double growth =
        rule.dynamic_factor * length / static_cast<double>(rule.dynamic_length) - (rule.dynamic_factor - 1);
    base *= ::pow(growth, dim / (dim - 2));
  }
  for_stretches(rule.half, [&](int64_t i, int n) {
    float angle[kLanes] = {};
    for (int lane = 0; lane < n; lane++) {
      const float frequency = dynamic ? static_cast<float>(::pow(base, -2.0 * static_cast<double>(i + lane) / dim))
                                      : inverse[i + lane];
      angle[lane] = static_cast<float>(position) * frequency;
    }
    cosine_sine(angle, cosine + i, sine + i);
    store(cosine + i, mul(load(cosine + i), set(rule.attention_factor)));
    store(sine + i, mul(load(sine + i), set(rule.attention_factor)));
  });
}

// y may be x.
template <class T>
static inline void rotate_head(const RotaryRule& rule, const T* x, T* y, int64_t dim, const float* cosine,
                               const float* sine) {
  const int64_t half = rule.half;
  for_stretches(half, [&](int64_t i, int n) {
    const Vec c = load(cosine + i), s = load(sine + i);
    if (!rule.interleaved) {
      const Vec first = load_stretch(x + i, n), second = load_stretch(x + half + i, n);
      store_stretch(y + i, negative_fma(second, s, mul(first, c)), n);
      store_stretch(y + half + i, fma(first, s, mul(second, c)), n);
      return;
    }
    const int low = 2 * n < kLanes ? 2 * n : kLanes, high = 2 * n - low;
    float pairs[2 * kLanes], even[kLanes], odd[kLanes];
    store(pairs, load_n(x + 2 * i, low));
    store(pairs + kLanes, load_n(x + 2 * i + low, high));
    for (int lane = 0; lane < kLanes; lane++) {
      even[lane] = pairs[2 * lane];
      odd[lane] = pairs[2 * lane + 1];
    }
    const Vec first = load(even), second = load(odd);
    store(even, negative_fma(second, s, mul(first, c)));
    store(odd, fma(first, s, mul(second, c)));
    for (int lane = 0; lane < kLanes; lane++) {
      pairs[2 * lane] = even[lane];
      pairs[2 * lane + 1] = odd[lane];
    }
    store_n(y + 2 * i, load(pairs), low);
    store_n(y + 2 * i + low, load(pairs + kLanes), high);
  });
  if (y != x) memcpy(y + 2 * half, x + 2 * half, static_cast<size_t>(dim - 2 * half) * sizeof(T));
}

// Everything about a step's rotations that does not depend on the head.
struct RotaryStep {
  RotaryRule rule;
  const float* inverse;
  int64_t variants;
  int64_t variant_stride;
  const int32_t* variant;  // null: 0 for every token
  const int32_t* positions;

  void table(int64_t token, float* cosine, float* sine) const {
    int64_t v = variant == nullptr ? 0 : variant[token];
    if (v < 0 || v >= variants) v = 0;
    rotary_table(rule, inverse + v * variant_stride, positions[token], cosine, sine);
  }
};

// From the operands that rope and rope-kv-write share.
template <class Args>
static inline Status rotary_step(const char* op, const Args& o, int64_t head_dim, RotaryStep* step) {
  const int64_t half = o.inverse_frequencies.shape[1];
  if (o.rotary_dim != 2 * half || 2 * half > head_dim || half > kMaxRotaryHalf) {
    return Status::error(Code::invalid, "%s: rotaryDim %lld with %lld frequencies and head size %lld", op,
                         static_cast<long long>(o.rotary_dim), static_cast<long long>(half),
                         static_cast<long long>(head_dim));
  }
  step->rule = RotaryRule{half, o.interleaved != 0, o.attention_factor, o.dynamic_factor, o.dynamic_length, o.base};
  step->inverse = o.inverse_frequencies.template as<float>();
  step->variants = o.inverse_frequencies.shape[0];
  step->variant_stride = o.inverse_frequencies.stride[0];
  step->variant = o.variant.present() ? o.variant.template as<int32_t>() : nullptr;
  step->positions = o.positions.template as<int32_t>();
  return Status();
}

}  // namespace ISA_NS
}  // namespace trtllm

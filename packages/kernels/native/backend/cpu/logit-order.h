#pragma once
#include <cmath>

#include "vec.h"

// Orders over a row of logits: the best id, and the cut that keeps the best ones up to a count or a mass.
namespace trtllm {
namespace ISA_NS {

// Integers in the order of the logits; NaN counts as -inf, and the two zeros are equal.
TRTLLM_INLINE uint32_t order_key(float logit) {
  const uint32_t u = bits_of(logit == logit ? logit + 0.0f : -__builtin_inff());
  return u & 0x80000000u ? ~u : u | 0x80000000u;
}

// The largest logit; -inf when there is none but NaN.
TRTLLM_INLINE float best_logit(const float* logits, int64_t count) {
  Vec best = set(-__builtin_inff());
  // max(x, best) keeps best when x is NaN.
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) best = max(load(logits + i), best);
  float tail = max_lane(best);
  for (; i < count; i++) tail = logits[i] > tail ? logits[i] : tail;
  return tail;
}

// Whether a logit is NaN: nothing can be chosen from such a row.
TRTLLM_INLINE bool has_nan(const float* logits, int64_t count) {
  int found = 0;
  for (int64_t i = 0; i < count; i++) found |= logits[i] != logits[i];
  return found != 0;
}

// log(sum(exp(logit))), sixteen f64 lanes joined in lane order.
static inline double log_sum_exp(const float* logits, int64_t vocab) {
  const float best = best_logit(logits, vocab);
  if (best - best != 0) return best;  // infinite
  double lanes[kLanes] = {};
  for_stretches(vocab, [&](int64_t i, int n) {
    float weights[kLanes];
    store(weights, max(exp(sub(load_stretch(logits + i, n), set(best))), zero()));
    for (int lane = 0; lane < n; lane++) lanes[lane] += weights[lane];
  });
  double total = 0;
  for (int lane = 0; lane < kLanes; lane++) total += lanes[lane];
  return best + ::log(total);
}

// A logit as a log probability. An infinite normalizer leaves certainty for its own logit and none for the others.
static inline float logprob_of(float logit, double normalizer) {
  if (!(logit > -__builtin_inff())) return -__builtin_inff();
  if (normalizer - normalizer != 0) return logit == normalizer ? 0.0f : -__builtin_inff();
  return static_cast<float>(logit - normalizer);
}

// The lowest id whose logit is `best`; 0 when there is none.
TRTLLM_INLINE int64_t first_id_of(const float* logits, int64_t count, float best) {
  if (best == -__builtin_inff()) return 0;
  for (int64_t i = 0; i < count; i++) {
    if (logits[i] == best) return i;
  }
  return 0;
}

// Keeps ids whose key is above `key`, and of those at `key` the `ties` lowest ids.
struct Cut {
  uint32_t key;
  int64_t ties;
};

// The smallest best-first prefix whose mass (weights, or the count where weights is null) reaches `limit`; everything
// when nothing does. Radix descent, a byte of the key a level, masses in f64: no sort, no scratch memory.
static inline Cut find_cut(const float* logits, const float* weights, int64_t count, double limit) {
  uint32_t prefix = 0;
  double above = 0;  // mass of keys beyond the current prefix range
  for (int shift = 24; shift >= 0; shift -= 8) {
    double mass[256] = {};
    int64_t members[256] = {};
    const uint32_t known = shift == 24 ? 0 : ~0u << (shift + 8);
    for (int64_t i = 0; i < count; i++) {
      const uint32_t key = order_key(logits[i]);
      if ((key & known) != prefix) continue;
      mass[key >> shift & 255u] += weights != nullptr ? static_cast<double>(weights[i]) : 1.0;
      members[key >> shift & 255u]++;
    }
    int digit = 255;
    while (digit >= 0 && above + mass[digit] < limit) above += mass[digit--];
    if (digit < 0) return Cut{0, count};
    prefix |= static_cast<uint32_t>(digit) << shift;
    if (shift == 0) {
      const double each = mass[digit] / static_cast<double>(members[digit]);
      int64_t ties = 1;
      while (ties < members[digit] && above + each * static_cast<double>(ties) < limit) ties++;
      return Cut{prefix, ties};
    }
  }
  return Cut{0, count};
}

// Sets the weight of every id outside the cut to zero.
static inline void apply_cut(const Cut& cut, const float* logits, float* weights, int64_t count) {
  int64_t ties = cut.ties;
  for (int64_t i = 0; i < count; i++) {
    const uint32_t key = order_key(logits[i]);
    if (key < cut.key || (key == cut.key && ties-- <= 0)) weights[i] = 0.0f;
  }
}

}  // namespace ISA_NS
}  // namespace trtllm

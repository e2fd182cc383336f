#pragma once
#include <cmath>

#include "attention.h"
#include "by-dtype.h"

// The reference: two passes over the visible keys in f64. Used by the scalar ISA.
namespace trtllm {
namespace ISA_NS {

template <class T, class C>
static void attend_rows_reference(const AttentionShape& shape, const Pages& pages, const TensorRef& q,
                                  const TensorRef& y, const SequenceSpan& span, int64_t kv_head, int64_t row_begin,
                                  int64_t row_end) {
  for (int64_t row = row_begin; row < row_end; row++) {
    const int64_t head = kv_head * shape.group + row % shape.group;
    const int64_t token = span.start + row / shape.group;
    const int64_t position = span.first_position + row / shape.group;
    const T* query = row_of<T>(q, token) + head * q.stride[1];
    double sums[kMaxHeadDim] = {};
    double best = -HUGE_VAL, total = 0;
    for (int pass = 0; pass < 2; pass++) {
      for (int64_t p = first_visible(position, shape.window); p <= position; p++) {
        const int64_t page = pages.page_of(span.slot, p);
        const C* key = pages.at<C>(page, 0, kv_head) + p % kPageTokens * shape.head_dim;
        const C* value = pages.at<C>(page, 1, kv_head) + p % kPageTokens * shape.head_dim;
        double score = 0;
        for (int64_t i = 0; i < shape.head_dim; i++) score += static_cast<double>(to_f32(query[i])) * to_f32(key[i]);
        score *= shape.scale;
        if (shape.softcap > 0) score = ::tanh(score / shape.softcap) * shape.softcap;
        if (pass == 0) {
          best = score > best ? score : best;
          continue;
        }
        const double weight = ::exp(score - best);
        total += weight;
        for (int64_t i = 0; i < shape.head_dim; i++) sums[i] += weight * to_f32(value[i]);
      }
    }
    if (shape.sinks != nullptr) total += ::exp(shape.sinks[head] - best);
    T* out = row_of<T>(y, token) + head * y.stride[1];
    for (int64_t i = 0; i < shape.head_dim; i++) put_f32(out + i, static_cast<float>(sums[i] * shape.value_scale / total));
  }
}

}  // namespace ISA_NS
}  // namespace trtllm

#pragma once
#include "attention.h"

// Attention over latent pages with absorbed queries: a row is one head of one query, its key is the whole cached vector
// (latent, pe) and its value the latent. Rows meet pages as those of attention.h do: batch, chunking and tasks change no bit.
namespace trtllm {
namespace ISA_NS {

constexpr int64_t kMaxLatentWidth = 1024;

// Absorbed queries and weighted sums of latents, f32 [tokens, heads, padded width] and [tokens, heads, padded rank].
struct LatentRows {
  int64_t heads, rank, width, padded_rank, padded_width;
  float* queries;
  float* sums;

  float* query(int64_t token, int64_t head) const { return queries + (token * heads + head) * padded_width; }
  float* sum(int64_t token, int64_t head) const { return sums + (token * heads + head) * padded_rank; }
};

#if TRTLLM_SCALAR
// The reference: two passes over the visible tokens in f64.
template <class T>
static void attend_latent_rows(const AttentionShape& shape, const Pages& pages, const LatentRows& rows,
                               const SequenceSpan& span, int64_t row_begin, int64_t row_end) {
  for (int64_t row = row_begin; row < row_end; row++) {
    const int64_t token = span.start + row / rows.heads, position = span.first_position + row / rows.heads;
    const float* query = rows.query(token, row % rows.heads);
    double sums[kMaxLatentWidth] = {};
    double best = -HUGE_VAL, total = 0;
    for (int pass = 0; pass < 2; pass++) {
      for (int64_t p = 0; p <= position; p++) {
        const T* key = pages.latent_at<T>(pages.page_of(span.slot, p)) + p % kPageTokens * rows.width;
        double score = 0;
        for (int64_t i = 0; i < rows.width; i++) score += static_cast<double>(query[i]) * to_f32(key[i]);
        score *= shape.scale;
        if (pass == 0) {
          best = score > best ? score : best;
          continue;
        }
        const double weight = ::exp(score - best);
        total += weight;
        for (int64_t i = 0; i < rows.rank; i++) sums[i] += weight * to_f32(key[i]);
      }
    }
    float* out = rows.sum(token, row % rows.heads);
    for (int64_t i = 0; i < rows.rank; i++) out[i] = static_cast<float>(sums[i] / total);
  }
}
#else
template <class T>
static void attend_latent_rows(const AttentionShape& shape, const Pages& pages, const LatentRows& rows,
                               const SequenceSpan& span, int64_t row_begin, int64_t row_end) {
  alignas(64) float page_keys[kPageTokens * kMaxLatentWidth];
  RowState states[kTaskRows];
  const auto sum_of = [&](int64_t row) { return rows.sum(span.start + row / rows.heads, row % rows.heads); };
  for (int64_t row = row_begin; row < row_end; row++) {
    memset(sum_of(row), 0, static_cast<size_t>(rows.padded_rank) * 4);
    states[row - row_begin] = RowState{-__builtin_inff(), 0.0f};
  }
  const int64_t last_position = span.first_position + (row_end - 1) / rows.heads;
  for (int64_t begin = 0; begin <= last_position; begin += kPageTokens) {
    const T* source = pages.latent_at<T>(pages.page_of(span.slot, begin));
    if (begin + kPageTokens <= last_position) {
      prefetch_page(pages.latent_at<T>(pages.page_of(span.slot, begin + kPageTokens)), rows.width);
    }
    const float* keys = page_keys;
    if (sizeof(T) == 4 && rows.padded_width == rows.width) {
      keys = reinterpret_cast<const float*>(source);
    } else {
      const int64_t high = last_position + 1 - begin < kPageTokens ? last_position + 1 - begin : kPageTokens;
      widen_page(source, rows.width, rows.padded_width, 0, high, page_keys);
    }
    for (int64_t row = row_begin; row < row_end; row++) {
      const int64_t query = row / rows.heads, position = span.first_position + query;
      const int64_t high = position + 1 - begin < kPageTokens ? position + 1 - begin : kPageTokens;
      if (high <= 0) continue;
      attend_page(shape, rows.query(span.start + query, row % rows.heads), keys, keys, rows.padded_width, 0,
                  static_cast<int>(high), states[row - row_begin], sum_of(row));
    }
  }
  for (int64_t row = row_begin; row < row_end; row++) {
    const Vec total = set(states[row - row_begin].total);
    float* sums = sum_of(row);
    for (int64_t i = 0; i < rows.padded_rank; i += kLanes) store(sums + i, div(load(sums + i), total));
  }
}
#endif

}  // namespace ISA_NS
}  // namespace trtllm

#pragma once
#include "../../core/kernel.h"
#include "../../core/thread-pool.h"
#include "pages.h"
#include "vec.h"

// y = softmax(scale * q k^T) v over pages, causal, with an optional window and soft cap of the scores. Pages hold q's type T
// or f8, C; both are widened to f32.
//
// A task is one kv head and up to kTaskRows rows of one sequence; row r of a sequence is its query r / group and head
// r % group of those that share the kv head. For each page the task widens keys and values to f32 once, then each row
// takes its visible part of the page: thirty-two scores, one running maximum, one rescaling of its sums. A row meets
// the pages that it sees in order, from its own first, so batch, chunking and tasks change no bit. A sink comes last.
namespace trtllm {
namespace ISA_NS {

constexpr int kTaskRows = 32;
constexpr int kPageTokens = 32;
constexpr int64_t kMaxHeadDim = 512;

struct AttentionShape {
  int64_t kv_heads, group, head_dim, padded_dim, value_dim, window;  // value_dim: of a value, padded
  float scale;
  float softcap;       // 0: none
  float value_scale;   // factor of cached values; that of keys is in `scale`
  const float* sinks;  // a score for each head in the sum of weights; null: none
};

// First position that a query sees.
TRTLLM_INLINE int64_t first_visible(int64_t position, int64_t window) {
  return window > 0 && position >= window ? position - window + 1 : 0;
}

// Scores of keys [from, from + 16) of a page against one query row; each dot is one chain of stretches.
TRTLLM_INLINE Vec page_scores(const float* q, const float* keys, int64_t key_stride, int64_t dim) {
#if TRTLLM_AVX512
  constexpr int kTogether = 16;
#else
  constexpr int kTogether = 4;
#endif
  Vec chains[16];
  for (int from = 0; from < 16; from += kTogether) {
    Vec acc[kTogether];
#pragma GCC unroll 16
    for (int j = 0; j < kTogether; j++) acc[j] = zero();
    for (int64_t i = 0; i < dim; i += kLanes) {
      const Vec query = load(q + i);
#pragma GCC unroll 16
      for (int j = 0; j < kTogether; j++) acc[j] = fma(query, load(keys + (from + j) * key_stride + i), acc[j]);
    }
#pragma GCC unroll 16
    for (int j = 0; j < kTogether; j++) chains[from + j] = acc[j];
  }
  return sum_each(chains);
}

// sums[N stretches] = sums * alpha + weights[low..high) * values, keys in order.
template <int N>
TRTLLM_INLINE void add_values(float* sums, float alpha, const float* weights, const float* values, int64_t value_stride,
                              int low, int high) {
  Vec acc[N];
  const Vec keep = set(alpha);
#pragma GCC unroll 8
  for (int s = 0; s < N; s++) acc[s] = mul(load(sums + s * kLanes), keep);
  for (int j = low; j < high; j++) {
    const Vec weight = set(weights[j]);
#pragma GCC unroll 8
    for (int s = 0; s < N; s++) acc[s] = fma(weight, load(values + j * value_stride + s * kLanes), acc[s]);
  }
#pragma GCC unroll 8
  for (int s = 0; s < N; s++) store(sums + s * kLanes, acc[s]);
}

// Weight of a head's sink beside scores whose maximum is `best`; infinite where the sink outweighs them all.
static float sink_weight(const AttentionShape& shape, int64_t head, float best) {
  if (shape.sinks == nullptr) return 0.0f;
  float lanes[kLanes];
  store(lanes, exp(set(shape.sinks[head] - best)));
  return lanes[0];
}

struct RowState {
  float best;   // running maximum of the scores
  float total;  // sum of exp(score - best)
};

TRTLLM_INLINE void attend_page(const AttentionShape& shape, const float* q, const float* keys, const float* values,
                               int64_t stride, int low, int high, RowState& state, float* sums) {
  const auto clip = [](int x) { return x < 0 ? 0 : x > 16 ? 16 : x; };
  const Vec scale = set(shape.scale);
  Vec first = mul(page_scores(q, keys, stride, shape.padded_dim), scale);
  Vec second = mul(page_scores(q, keys + 16 * stride, stride, shape.padded_dim), scale);
  if (shape.softcap > 0) {
    first = softcap(first, shape.softcap);
    second = softcap(second, shape.softcap);
  }
  first = keep_range(first, clip(low), clip(high), -__builtin_inff());
  second = keep_range(second, clip(low - 16), clip(high - 16), -__builtin_inff());
  const float page_best = max_lane(max(first, second));
  const float best = page_best > state.best ? page_best : state.best;
  float weights[kPageTokens];
  store(weights, set(state.best - best));
  const float alpha = [&] {
    float lanes[kLanes];
    store(lanes, exp(load(weights)));
    return lanes[0];
  }();
  first = exp(sub(first, set(best)));
  second = exp(sub(second, set(best)));
  store(weights, first);
  store(weights + 16, second);
  state.best = best;
  state.total = state.total * alpha + sum(add(first, second));
  int64_t i = 0;
  for (; i + 8 * kLanes <= shape.value_dim; i += 8 * kLanes) {
    add_values<8>(sums + i, alpha, weights, values + i, stride, low, high);
  }
  for (; i + 2 * kLanes <= shape.value_dim; i += 2 * kLanes) {
    add_values<2>(sums + i, alpha, weights, values + i, stride, low, high);
  }
  for (; i < shape.value_dim; i += kLanes) add_values<1>(sums + i, alpha, weights, values + i, stride, low, high);
}

// Rows [low, high) of a page of one head, widened and padded with zeros.
template <class T>
TRTLLM_INLINE void widen_page(const T* page, int64_t head_dim, int64_t padded_dim, int64_t low, int64_t high,
                              float* out) {
  for (int64_t row = low; row < high; row++) {
    for_stretches(head_dim, [&](int64_t i, int n) {
      store(out + row * padded_dim + i, load_stretch(page + row * head_dim + i, n));
    });
  }
}

// PERF: pages lie anywhere; asking for the next one while this one is used hides most of the way to memory.
template <class T>
TRTLLM_INLINE void prefetch_page(const T* page, int64_t head_dim) {
  const char* bytes = reinterpret_cast<const char*>(page);
  const int64_t count = kPageTokens * head_dim * static_cast<int64_t>(sizeof(T));
  for (int64_t i = 0; i < count; i += 64) __builtin_prefetch(bytes + i);
}

// One sequence of the step: its first token row, its queries, the position of the first of them, its slot.
struct SequenceSpan {
  int64_t start, queries, first_position, slot;
};

template <class Args>
static SequenceSpan span_of(const Args& o, int64_t s) {
  const int32_t* start = o.seq_start.template as<int32_t>();
  const int64_t queries = start[s + 1] - start[s];
  return SequenceSpan{start[s], queries, o.seq_context.template as<int32_t>()[s] - queries, o.seq_slot.template as<int32_t>()[s]};
}

// Everything about a step's sequences that a wild index could turn into a wild read. A window of 0 is none.
template <class Args>
static Status check_sequences(const char* op, const Args& o, const Pages& pages, int64_t window) {
  for (int64_t s = 0; s < o.seq_slot.shape[0]; s++) {
    const SequenceSpan span = span_of(o, s);
    if (span.queries == 0) continue;
    if (span.start < 0 || span.queries < 0 || span.start + span.queries > o.q.shape[0] || span.first_position < 0) {
      return Status::error(Code::invalid, "%s: sequence %lld has tokens %lld to %lld of %lld, %lld cached before them", op,
                           static_cast<long long>(s), static_cast<long long>(span.start),
                           static_cast<long long>(span.start + span.queries), static_cast<long long>(o.q.shape[0]),
                           static_cast<long long>(span.first_position));
    }
    for (int64_t p = first_visible(span.first_position, window) / kPageTokens * kPageTokens;
         p < span.first_position + span.queries; p += kPageTokens) {
      if (pages.page_of(span.slot, p) < 0) return pages.missing(op, span.slot, p);
    }
  }
  return Status();
}

template <class T, class C>
static void attend_rows(const AttentionShape& shape, const Pages& pages, const TensorRef& q, const TensorRef& y,
                        const SequenceSpan& span, int64_t kv_head, int64_t row_begin, int64_t row_end) {
  alignas(64) float queries[kTaskRows * kMaxHeadDim];
  alignas(64) float sums[kTaskRows * kMaxHeadDim];
  alignas(64) float key_page[kPageTokens * kMaxHeadDim];
  alignas(64) float value_page[kPageTokens * kMaxHeadDim];
  RowState states[kTaskRows];
  const int64_t dim = shape.padded_dim;
  const auto head_row = [&](const TensorRef& t, int64_t row) {
    const int64_t head = kv_head * shape.group + row % shape.group;
    return t.as<T>() + (span.start + row / shape.group) * t.stride[0] + head * t.stride[1];
  };
  for (int64_t row = row_begin; row < row_end; row++) {
    const int64_t r = row - row_begin;
    const T* source = head_row(q, row);
    for_stretches(shape.head_dim, [&](int64_t i, int n) { store(queries + r * dim + i, load_stretch(source + i, n)); });
    memset(sums + r * dim, 0, static_cast<size_t>(dim) * 4);
    states[r] = RowState{-__builtin_inff(), 0.0f};
  }
  const int64_t first_position = span.first_position + row_begin / shape.group;
  const int64_t last_position = span.first_position + (row_end - 1) / shape.group;
  for (int64_t begin = first_visible(first_position, shape.window) / kPageTokens * kPageTokens; begin <= last_position;
       begin += kPageTokens) {
    const int64_t page = pages.page_of(span.slot, begin);
    const C* source_keys = pages.at<C>(page, 0, kv_head);
    const C* source_values = pages.at<C>(page, 1, kv_head);
    const float* keys = key_page;
    const float* values = value_page;
    if (begin + kPageTokens <= last_position) {
      const int64_t next = pages.page_of(span.slot, begin + kPageTokens);
      prefetch_page(pages.at<C>(next, 0, kv_head), shape.head_dim);
      prefetch_page(pages.at<C>(next, 1, kv_head), shape.head_dim);
    }
    if (sizeof(C) == 4 && dim == shape.head_dim) {
      keys = reinterpret_cast<const float*>(source_keys);
      values = reinterpret_cast<const float*>(source_values);
    } else {
      const int64_t visible = first_visible(first_position, shape.window) - begin;
      const int64_t low = visible > 0 ? visible : 0;
      const int64_t high = last_position + 1 - begin < kPageTokens ? last_position + 1 - begin : kPageTokens;
      widen_page(source_keys, shape.head_dim, dim, low, high, key_page);
      widen_page(source_values, shape.head_dim, dim, low, high, value_page);
    }
    for (int64_t row = row_begin; row < row_end; row++) {
      const int64_t position = span.first_position + row / shape.group;
      const int64_t visible = first_visible(position, shape.window) - begin;
      const int64_t low = visible > 0 ? visible : 0;
      const int64_t high = position + 1 - begin < kPageTokens ? position + 1 - begin : kPageTokens;
      if (low >= high) continue;
      const int64_t r = row - row_begin;
      attend_page(shape, queries + r * dim, keys, values, dim, static_cast<int>(low), static_cast<int>(high), states[r],
                  sums + r * dim);
    }
  }
  for (int64_t row = row_begin; row < row_end; row++) {
    const int64_t r = row - row_begin;
    T* target = head_row(y, row);
    const Vec total = set(states[r].total + sink_weight(shape, kv_head * shape.group + row % shape.group, states[r].best));
    for_stretches(shape.head_dim, [&](int64_t i, int n) {
      store_stretch(target + i, div(mul(load(sums + r * dim + i), set(shape.value_scale)), total), n);
    });
  }
}

}  // namespace ISA_NS
}  // namespace trtllm

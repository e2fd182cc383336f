#pragma once
#include "paged-attention.cuh"

// How the keys of single queries are split over blocks, and where the pieces wait to be joined. A step with few sequences
// has many short splits (they fill the device), one with many has few long ones. A sequence's splits depend on its own
// length and on the number of sequences in the step; the pieces are joined in order: a step gives the same bits each time.
namespace trtllm::cuda {

struct SplitPlan {
  int32_t max_splits, min_pages;  // splits of a query; pages of a split
  int32_t singles;                // 1: only sequences of one query, rows by sequence; 0: all queries, rows by token
  int64_t rows;                   // most queries
  // Of each (row, split, head): the weighted sum of values [head_dim], and (largest score, sum of weights).
  float* values;
  float2* masses;
};

constexpr int64_t kSplitBlocks = 1024;  // (query, split, kv head) triples that fill a large device
constexpr int32_t kLeastSplits = 8, kMostSplits = 64;

// `columns`: pages that a sequence has at most.
inline SplitPlan split_plan(int64_t rows, int64_t kv_heads, int64_t columns) {
  SplitPlan plan{};
  plan.rows = rows;
  plan.max_splits = kMostSplits;
  while (plan.max_splits > kLeastSplits && rows * kv_heads * plan.max_splits > kSplitBlocks) plan.max_splits /= 2;
  plan.min_pages = plan.max_splits > kLeastSplits ? 8 : 32;
  const int64_t useful = (columns + plan.min_pages - 1) / plan.min_pages;
  if (useful < plan.max_splits) plan.max_splits = useful > 1 ? static_cast<int32_t>(useful) : 1;
  return plan;
}

// Bytes that hold the pieces of `rows` queries or fewer.
inline int64_t split_bytes(int64_t rows, int64_t heads, int64_t kv_heads, int64_t head_dim) {
  const int64_t few = kSplitBlocks / kv_heads, most = rows * kLeastSplits > few ? rows * kLeastSplits : few;
  const int64_t pieces = most < rows * kMostSplits ? most : rows * kMostSplits;
  return pieces * heads * (head_dim + 2) * 4;
}

inline void place_pieces(SplitPlan& plan, void* memory, int64_t heads, int64_t head_dim) {
  plan.values = static_cast<float*>(memory);
  plan.masses = reinterpret_cast<float2*>(plan.values + plan.rows * plan.max_splits * heads * head_dim);
}

struct SplitShape {
  int32_t splits;  // of each query of the sequence
  int32_t pages;   // of a split
};

// The splits of a sequence whose last query has `context` positions up to itself.
__device__ __forceinline__ SplitShape split_shape(const SplitPlan& plan, int32_t context, int32_t window) {
  // A window may begin anywhere in a page: as many pages as that number of positions can touch.
  const int32_t visible = window > 0 && window < context ? (window + 30) / 32 + 1 : (context + 31) / 32;
  const int32_t even = (visible + plan.max_splits - 1) / plan.max_splits;
  const int32_t pages = even > plan.min_pages ? even : plan.min_pages;
  return SplitShape{visible > pages ? (visible + pages - 1) / pages : 1, pages};
}

}  // namespace trtllm::cuda

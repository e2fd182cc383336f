#pragma once
#include <trtllm/reduce.cuh>

#include "paged-attention.cuh"

// Which pages a warp of the decode kernel reads. An item is one query and up to 16 heads that share a kv head; the pages of
// all items of a step, item after item, are one long row, of which each warp takes an equal stretch. An item costs
// kItemPages beside its pages: queries, the start of its softmax, its results. A stretch may begin or end inside an item.
namespace trtllm::cuda {

constexpr int kDecodeRows = 16, kItemPages = 2, kDecodeGroups = 256;  // groups of 32 sequences that a step may have
constexpr int32_t kLeastStretch = 1;  // pages (and costs of items) that are worth a warp

struct DecodeWork {
  int32_t singles;  // 1: only sequences of one query; 0: all
  int32_t sides;    // sixteens of heads, over all kv heads
  int32_t least;    // pages that are worth a stretch
};

// Sixteens of the heads that share a kv head.
__host__ __device__ inline int32_t decode_parts(const AttentionOperands& o) {
  return (o.heads / o.kv_heads + kDecodeRows - 1) / kDecodeRows;
}

// Pages that a query of a sequence of `context` positions may see; a window may begin anywhere in a page.
__device__ __forceinline__ int32_t pages_seen(const AttentionOperands& o, int32_t context) {
  return o.window > 0 && o.window < context ? (o.window + 30) / 32 + 1 : (context + 31) / 32;
}

__device__ __forceinline__ int32_t queries_of(const DecodeWork& work, int32_t count) {
  return work.singles == 0 || count == 1 ? count : 0;
}

// A stretch of the pages of one item.
struct DecodeSegment {
  int64_t slot, token;
  int32_t position, first;  // of the query, and the first that it sees
  int32_t kv_head, first_head, num_rows;
  int32_t begin, end;       // columns of the page table
  int64_t item;             // its number in the step, some numbers left out
  bool begins, ends;        // whether it has the item's first page, its last
};

// Cost of each group of 32 sequences, of one side: in shared memory. Called by all warps of a block; the caller synchronises.
__device__ __forceinline__ void sum_groups(const AttentionOperands& o, const DecodeWork& work, int32_t (&sums)[kDecodeGroups]) {
  const int lane = threadIdx.x & 31;
  const int groups = static_cast<int>((o.seqs + 31) / 32);
#pragma unroll 4
  for (int group = threadIdx.x >> 5; group < groups; group += blockDim.x >> 5) {
    const int s = group * 32 + lane;
    int cost = 0;
    if (s < o.seqs) {
      const int32_t queries = queries_of(work, o.seq_start[s + 1] - o.seq_start[s]);
      cost = queries == 0 ? 0 : queries * (pages_seen(o, o.seq_context[s]) + kItemPages);
    }
    cost = warp_reduce(cost, Sum());
    if (lane == 0) sums[group] = cost;
  }
}

// Walks through the segments of a stretch; held by a whole warp, whose lanes keep the sequences of one group.
class DecodeCursor {
 public:
  // Pages (and costs of items) of the step.
  static __device__ __forceinline__ int64_t total(const AttentionOperands& o, const DecodeWork& work, const int32_t (&sums)[kDecodeGroups]) {
    const int groups = static_cast<int>((o.seqs + 31) / 32);
    int64_t own = 0;
    for (int group = threadIdx.x & 31; group < groups; group += 32) own += sums[group];
    return warp_reduce(own, Sum()) * work.sides;
  }

  __device__ __forceinline__ DecodeCursor(const AttentionOperands& o, const DecodeWork& work, const int32_t (&sums)[kDecodeGroups], int64_t from,
                                          int64_t to)
      : left_(to - from) {
    if (left_ <= 0) return;
    const int groups = static_cast<int>((o.seqs + 31) / 32), lane = threadIdx.x & 31;
    for (int base = 0; base < groups; base += 32) {
      const int64_t own = base + lane < groups ? static_cast<int64_t>(sums[base + lane]) * work.sides : 0;
      const int64_t running = warp_running_sum(own);
      const unsigned reached = __ballot_sync(kFullWarp, running > from);
      if (reached == 0) {
        from -= __shfl_sync(kFullWarp, running, 31);
        continue;
      }
      const int at = __ffs(static_cast<int>(reached)) - 1;
      from -= __shfl_sync(kFullWarp, running - own, at);
      group_ = base + at;
      break;
    }
    load(o, work);
    const int64_t own = static_cast<int64_t>(cost_) * work.sides;
    const int64_t running = warp_running_sum(own);
    at_ = __ffs(static_cast<int>(__ballot_sync(kFullWarp, running > from))) - 1;
    within_ = from - __shfl_sync(kFullWarp, running - own, at_);
  }

  // False at the end of the stretch.
  __device__ __forceinline__ bool next(const AttentionOperands& o, const DecodeWork& work, DecodeSegment& segment) {
    while (left_ > 0) {
      if (at_ == 32) {
        group_++;
        if (group_ * 32 >= o.seqs) return false;
        load(o, work);
        at_ = 0;
      }
      const int32_t queries = __shfl_sync(kFullWarp, queries_, at_), context = __shfl_sync(kFullWarp, context_, at_);
      const int32_t seen = pages_seen(o, context), cost = seen + kItemPages;
      if (queries == 0 || within_ >= static_cast<int64_t>(queries) * work.sides * cost) {
        within_ = 0;
        at_++;
        continue;
      }
      // PERF: a division of 64-bit integers is a hundred instructions.
      const int32_t item = within_ <= INT32_MAX ? static_cast<int32_t>(within_) / cost : static_cast<int32_t>(within_ / cost), offset = static_cast<int32_t>(within_ - static_cast<int64_t>(item) * cost);
      const int32_t taken = left_ < cost - offset ? static_cast<int32_t>(left_) : cost - offset;
      within_ += taken;
      left_ -= taken;
      const int32_t query = item / work.sides, side = item - query * work.sides;
      segment.position = context - queries + query;
      segment.first = static_cast<int32_t>(first_visible(segment.position, o.window));
      const int32_t column = segment.first / 32, count = segment.position / 32 - column + 1;
      const int32_t from = offset > kItemPages ? offset - kItemPages : 0, to = offset + taken - kItemPages;
      if (to <= from || from >= count) continue;
      segment.begin = column + from;
      segment.end = column + (to < count ? to : count);
      segment.begins = from == 0;
      segment.ends = to >= count;
      segment.slot = __shfl_sync(kFullWarp, slot_, at_);
      segment.token = static_cast<int64_t>(__shfl_sync(kFullWarp, start_, at_)) + query;
      segment.item = segment.token * work.sides + side;
      const int32_t group = o.heads / o.kv_heads, parts = decode_parts(o);
      segment.kv_head = side / parts;
      segment.first_head = segment.kv_head * group + (side - segment.kv_head * parts) * kDecodeRows;
      const int32_t rows = (segment.kv_head + 1) * group - segment.first_head;
      segment.num_rows = rows < kDecodeRows ? rows : kDecodeRows;
      return true;
    }
    return false;
  }

 private:
  __device__ __forceinline__ void load(const AttentionOperands& o, const DecodeWork& work) {
    const int s = group_ * 32 + (threadIdx.x & 31);
    queries_ = cost_ = 0;
    if (s < o.seqs) {
      slot_ = o.seq_slot[s];
      start_ = o.seq_start[s];
      queries_ = queries_of(work, o.seq_start[s + 1] - start_);
      context_ = o.seq_context[s];
      cost_ = queries_ == 0 ? 0 : queries_ * (pages_seen(o, context_) + kItemPages);
    }
  }

  int64_t left_, within_ = 0;
  int32_t group_ = 0, at_ = 0;
  int32_t slot_ = 0, start_ = 0, queries_ = 0, context_ = 0, cost_ = 0;  // of this lane's sequence
};

}  // namespace trtllm::cuda

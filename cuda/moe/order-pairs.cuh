#pragma once
#include <trtllm/reduce.cuh>

// Pairs (token, chosen expert) in the order of experts, equal ones by number: a stable counting sort.
//   order[p] = the pair at place p, place[pair] = its place, offsets[e] = the first place of expert e
// Each warp owns a stretch of neighbouring pairs and counts them by expert; a scan makes of the counts where each warp's pairs
// of each expert begin; then every warp places its pairs, 32 at a time, those of one expert by lane.
// Few pairs: one block does all (kOwn). Many: count_pairs_kernel, scan_counts_kernel, place_pairs_kernel, a block for 4096.
// Shared memory: counts[kSortWarps][experts] words. Workspace (many): counts[blocks][experts] words.
namespace trtllm::cuda {

constexpr int kSortWarps = 16, kSortThreads = 32 * kSortWarps;
constexpr int64_t kSortPairs = 4096;  // of a block

struct OrderOperands {
  const int32_t* experts;
  int32_t *place, *order, *offsets;
  uint32_t* counts;
  int64_t pairs;
  int count;
};

// f(pair, expert, lanes with the same expert) for the pairs [first, end) of a warp.
template <class F>
__device__ __forceinline__ void each_pair(const OrderOperands& o, int64_t first, int64_t end, int lane, F&& f) {
  for (int64_t pair = first + lane; pair - lane < end; pair += 32) {
    const int expert = pair < end ? o.experts[pair] : -1;
    const uint32_t same = __match_any_sync(kFullWarp, expert);
    if (expert >= 0) f(pair, expert, same);
    __syncwarp();
  }
}

struct Stretch {
  int64_t first, end;
};

__device__ __forceinline__ Stretch stretch_of_warp(int64_t begin, int64_t pairs, int warp) {
  const int64_t each = (pairs + kSortWarps - 1) / kSortWarps;
  const int64_t first = min(begin + warp * each, begin + pairs);
  return {first, min(first + each, begin + pairs)};
}

__device__ __forceinline__ void count_stretch(const OrderOperands& o, Stretch stretch, uint32_t* counts, int lane) {
  each_pair(o, stretch.first, stretch.end, lane, [&](int64_t, int expert, uint32_t same) {
    if (lane == __ffs(same) - 1) counts[expert] += __popc(same);
  });
}

__device__ __forceinline__ void place_stretch(const OrderOperands& o, Stretch stretch, uint32_t* next, int lane) {
  each_pair(o, stretch.first, stretch.end, lane, [&](int64_t pair, int expert, uint32_t same) {
    const uint32_t at = next[expert] + __popc(same & ((1u << lane) - 1));
    __syncwarp(same);
    if (lane == __ffs(same) - 1) next[expert] += __popc(same);
    o.place[pair] = static_cast<int32_t>(at);
    o.order[at] = static_cast<int32_t>(pair);
  });
}

// counts[warp][e] becomes the sum of the warps before, returns the sum of all.
__device__ __forceinline__ uint32_t scan_warps(uint32_t* counts, int count, int e) {
  uint32_t sum = 0;
  for (int w = 0; w < kSortWarps; w++) {
    const uint32_t own = counts[w * count + e];
    counts[w * count + e] = sum;
    sum += own;
  }
  return sum;
}

// The sum of `value` over the threads before, for a whole block.
__device__ __forceinline__ uint32_t sum_before(uint32_t value, uint32_t* total) {
  __shared__ uint32_t sums[kSortWarps];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  uint32_t inclusive = value;
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    const uint32_t other = __shfl_up_sync(kFullWarp, inclusive, step);
    if (lane >= step) inclusive += other;
  }
  __syncthreads();  // an earlier call's readers are done
  if (lane == 31) sums[warp] = inclusive;
  __syncthreads();
  uint32_t before = 0, all = 0;
  for (int w = 0; w < kSortWarps; w++) {
    if (w < warp) before += sums[w];
    all += sums[w];
  }
  *total = all;
  return before + inclusive - value;
}

template <bool kOwn>
__device__ __forceinline__ void order_pairs(const OrderOperands& o, int64_t first, int64_t pairs, uint32_t* counts) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const Stretch stretch = stretch_of_warp(first, pairs, warp);
  for (int i = threadIdx.x; i < kSortWarps * o.count; i += kSortThreads) counts[i] = 0;
  __syncthreads();
  count_stretch(o, stretch, counts + warp * o.count, lane);
  __syncthreads();
  uint32_t before = 0;
  for (int chunk = 0; chunk < o.count; chunk += kSortThreads) {
    const int e = chunk + threadIdx.x;
    uint32_t sum = e < o.count ? scan_warps(counts, o.count, e) : 0, total = 0, begin = 0;
    if constexpr (kOwn) {
      begin = before + sum_before(sum, &total);
      if (e < o.count) o.offsets[e] = static_cast<int32_t>(begin);
      before += total;
    } else if (e < o.count) {
      begin = o.counts[static_cast<int64_t>(blockIdx.x) * o.count + e];
    }
    if (e < o.count) {
      for (int w = 0; w < kSortWarps; w++) counts[w * o.count + e] += begin;
    }
  }
  if (kOwn && threadIdx.x == 0) o.offsets[o.count] = static_cast<int32_t>(before);
  __syncthreads();
  place_stretch(o, stretch, counts + warp * o.count, lane);
}

__device__ __forceinline__ int64_t pairs_of_block(const OrderOperands& o) {
  return min(kSortPairs, o.pairs - static_cast<int64_t>(blockIdx.x) * kSortPairs);
}

// Grid: one block.
__global__ void __launch_bounds__(kSortThreads) order_pairs_kernel(OrderOperands o) {
  extern __shared__ uint32_t counts[];
  order_pairs<true>(o, 0, o.pairs, counts);
}

// Grid: a block for each kSortPairs pairs.
__global__ void __launch_bounds__(kSortThreads) count_pairs_kernel(OrderOperands o) {
  extern __shared__ uint32_t counts[];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  for (int i = threadIdx.x; i < kSortWarps * o.count; i += kSortThreads) counts[i] = 0;
  __syncthreads();
  count_stretch(o, stretch_of_warp(blockIdx.x * kSortPairs, pairs_of_block(o), warp), counts + warp * o.count, lane);
  __syncthreads();
  for (int e = threadIdx.x; e < o.count; e += kSortThreads) {
    o.counts[static_cast<int64_t>(blockIdx.x) * o.count + e] = scan_warps(counts, o.count, e);
  }
}

// Grid: one block. Counts of blocks become where each block's pairs of an expert begin.
__global__ void __launch_bounds__(kSortThreads) scan_counts_kernel(OrderOperands o, int64_t blocks) {
  uint32_t before = 0;
  for (int chunk = 0; chunk < o.count; chunk += kSortThreads) {
    const int e = chunk + threadIdx.x;
    uint32_t sum = 0, total = 0;
    if (e < o.count) {
#pragma unroll 8
      for (int64_t b = 0; b < blocks; b++) sum += o.counts[b * o.count + e];
    }
    uint32_t begin = before + sum_before(sum, &total);
    before += total;
    if (e >= o.count) continue;
    o.offsets[e] = static_cast<int32_t>(begin);
    for (int64_t b = 0; b < blocks; b++) {
      const uint32_t own = o.counts[b * o.count + e];
      o.counts[b * o.count + e] = begin;
      begin += own;
    }
  }
  if (threadIdx.x == 0) o.offsets[o.count] = static_cast<int32_t>(before);
}

// Grid: a block for each kSortPairs pairs.
__global__ void __launch_bounds__(kSortThreads) place_pairs_kernel(OrderOperands o) {
  extern __shared__ uint32_t counts[];
  order_pairs<false>(o, blockIdx.x * kSortPairs, pairs_of_block(o), counts);
}

}  // namespace trtllm::cuda

#pragma once
#include <trtllm/convert.cuh>
#include <trtllm/reduce.cuh>

#include "split-plan.cuh"

// What the kernels of split queries share: finding an item, joining the warps of a block, joining splits.
namespace trtllm::cuda {

constexpr int kSplitRows = 16, kSplitWarps = 4;

// Sixteens of the heads that share a kv head.
__device__ __forceinline__ int32_t split_parts(const AttentionOperands& o) {
  return (o.heads / o.kv_heads + kSplitRows - 1) / kSplitRows;
}

// One split of one query: its pages [begin, end).
struct SplitItem {
  int64_t seq;  // -1: no more
  int64_t slot, token, position, first, split, begin, end;
  int32_t splits;  // of the query
};

// Called by whole warps.
__device__ __forceinline__ SplitItem split_item(const AttentionOperands& o, const SplitPlan& plan, int64_t index) {
  const SequenceWork work = find_work(o.seqs, index, [&](int64_t s) {
    const int32_t count = o.seq_start[s + 1] - o.seq_start[s];
    const bool chosen = plan.singles != 0 ? count == 1 : count > 0;
    return chosen ? count * split_shape(plan, o.seq_context[s], o.window).splits : 0;
  });
  SplitItem item{};
  item.seq = work.seq;
  if (work.seq < 0) return item;
  const SplitShape shape = split_shape(plan, o.seq_context[work.seq], o.window);
  const int64_t query = work.item / shape.splits;
  item.splits = shape.splits;
  item.split = work.item - query * shape.splits;
  item.slot = o.seq_slot[work.seq];
  item.token = o.seq_start[work.seq] + query;
  item.position = o.seq_context[work.seq] - (o.seq_start[work.seq + 1] - item.token);
  item.first = first_visible(item.position, o.window);
  item.begin = item.first / 32 + item.split * shape.pages;
  const int64_t limit = item.begin + shape.pages;
  item.end = limit <= item.position / 32 ? limit : item.position / 32 + 1;
  return item;
}

// Maxima and sums of weights, of each warp and joined; in shared memory.
struct SplitJoin {
  float tops[kSplitWarps][kSplitRows], totals[kSplitWarps][kSplitRows], row_tops[kSplitRows], row_totals[kSplitRows];

  __device__ __forceinline__ float top_of(int row) const {
    float top = tops[0][row];
    for (int w = 1; w < kSplitWarps; w++) top = fmaxf(top, tops[w][row]);
    return top;
  }
  // Factor of a warp's sums in the joined ones; 0 where it saw nothing.
  __device__ __forceinline__ float factor_of(int warp, int row) const {
    return tops[warp][row] == -__builtin_inff() ? 0.0f : expf(tops[warp][row] - top_of(row));
  }

  // Adds up the warps' sums in rows of `joined` that are 8 elements longer than a head, warp by warp. `wait` is a barrier of
  // the kSplitWarps warps; thread (g, t) of a warp has rows g and g + 8, elements 8n + 2t and 8n + 2t + 1.
  template <int kTiles, class Wait>
  __device__ __forceinline__ void join(const float (&sums)[kTiles][4], const float (&best)[2], const float (&total)[2], float* joined,
                                       int32_t num_rows, Wait wait) {
    constexpr int kStride = kTiles * 8 + 8;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
    wait();  // everyone is done with the last item
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float sum = total[half];
      sum += __shfl_xor_sync(kFullWarp, sum, 1);
      sum += __shfl_xor_sync(kFullWarp, sum, 2);
      if (t == 0) {
        tops[warp][g + 8 * half] = best[half];
        totals[warp][g + 8 * half] = sum;
      }
    }
    wait();
    for (int w = 0; w < kSplitWarps; w++) {
      if (w == warp) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
          const int row = g + 8 * half;
          if (row >= num_rows) continue;
          const float factor = factor_of(w, row);
#pragma unroll
          for (int n = 0; n < kTiles; n++) {
            float2& at = *reinterpret_cast<float2*>(joined + row * kStride + 8 * n + 2 * t);
            const float2 before = w == 0 ? float2{0.0f, 0.0f} : at;
            at = float2{fmaf(sums[n][2 * half], factor, before.x), fmaf(sums[n][2 * half + 1], factor, before.y)};
          }
        }
      }
      if (w == 0 && warp == 1 && lane < kSplitRows) {
        float sum = 0;
        for (int i = 0; i < kSplitWarps; i++) sum = fmaf(totals[i][lane], factor_of(i, lane), sum);
        row_tops[lane] = top_of(lane);
        row_totals[lane] = sum;
      }
      wait();
    }
  }
};

// Writes an item's joined rows: the result where the query has one split, else its piece. `place_of` says where a column of
// a head stands in a row of `joined`.
template <class T, class PlaceOf>
__device__ __forceinline__ void finish_split(const AttentionOperands& o, const SplitPlan& plan, const SplitItem& item, const SplitJoin& join,
                                             const float* joined, int32_t stride, int32_t first_head, int32_t num_rows, T* y, PlaceOf place_of) {
  const int64_t piece = ((plan.singles != 0 ? item.seq : item.token) * plan.max_splits + item.split) * o.heads + first_head;
  for (int i = threadIdx.x; i < num_rows * o.head_dim; i += kSplitWarps * 32) {
    const int row = i / o.head_dim, at = i - row * o.head_dim;
    const float sum = joined[row * stride + place_of(at)];
    if (item.splits == 1) {
      y[item.token * o.y_stride + (first_head + row) * o.y_head + at] =
          from_f32<T>(weighted_mean(o, sum, join.row_totals[row] + sink_weight(o, first_head + row, join.row_tops[row])));
    } else {
      plan.values[(piece + row) * o.head_dim + at] = sum;
      if (at == 0) plan.masses[piece + row] = float2{join.row_tops[row], join.row_totals[row]};
    }
  }
}

// Joins the splits of a query. A block a (query, head): warp w adds up splits w, w + 4, ..., a lane four columns of each 128,
// and the first warp the warps, in order. Grid: x = rows of the plan, y = heads. head_dim: a multiple of 4, up to 256.
template <class T>
__global__ void __launch_bounds__(128) paged_join_kernel(AttentionOperands o, SplitPlan plan, T* y) {
  __shared__ float4 parts[kSplitWarps][64];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int32_t head = blockIdx.y;
  const int64_t row = blockIdx.x, seq = plan.singles != 0 ? row : sequence_of(o.seq_start, o.seqs, row);
  if (seq < 0) return;  // the whole block, here and below
  const int32_t count = o.seq_start[seq + 1] - o.seq_start[seq];
  if (count == 0 || (plan.singles != 0 && count != 1)) return;
  const int32_t splits = split_shape(plan, o.seq_context[seq], o.window).splits;
  if (splits == 1) return;
  const int64_t token = plan.singles != 0 ? o.seq_start[seq] : row, first = row * plan.max_splits * o.heads + head;
  float2 masses[kMostSplits / 32];
  float top = -__builtin_inff(), total = 0, factors[kMostSplits / 32];
#pragma unroll
  for (int i = 0; i < kMostSplits / 32; i++) {
    const int32_t split = lane + 32 * i;
    masses[i] = split < splits ? plan.masses[first + static_cast<int64_t>(split) * o.heads] : float2{-__builtin_inff(), 0.0f};
    top = fmaxf(top, masses[i].x);
  }
  top = warp_reduce(top, Max());
#pragma unroll
  for (int i = 0; i < kMostSplits / 32; i++) {
    factors[i] = masses[i].x == -__builtin_inff() ? 0.0f : expf(masses[i].x - top);
    total = fmaf(masses[i].y, factors[i], total);
  }
  total = warp_reduce(total, Sum()) + sink_weight(o, head, top);
#pragma unroll
  for (int part = 0; part < 2; part++) {
    const int32_t column = part * 128 + lane * 4;
    float4 sum{0, 0, 0, 0};
#pragma unroll 4
    for (int32_t split = warp; split < splits; split += kSplitWarps) {
      const float factor = __shfl_sync(kFullWarp, split < 32 ? factors[0] : factors[1], split & 31);
      if (column >= o.head_dim) continue;
      const float4 piece = *reinterpret_cast<const float4*>(plan.values + (first + static_cast<int64_t>(split) * o.heads) * o.head_dim + column);
      sum = float4{fmaf(piece.x, factor, sum.x), fmaf(piece.y, factor, sum.y), fmaf(piece.z, factor, sum.z), fmaf(piece.w, factor, sum.w)};
    }
    parts[warp][part * 32 + lane] = sum;
  }
  __syncthreads();
  const float* joined = reinterpret_cast<const float*>(parts);
  for (int32_t i = threadIdx.x; i < o.head_dim; i += blockDim.x) {
    float sum = 0;
    for (int w = 0; w < kSplitWarps; w++) sum += joined[w * 256 + i];
    y[token * o.y_stride + head * o.y_head + i] = from_f32<T>(weighted_mean(o, sum, total));
  }
}

}  // namespace trtllm::cuda

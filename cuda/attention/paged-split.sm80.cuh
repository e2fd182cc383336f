#pragma once
#include <trtllm/ptx/mma.cuh>
#include <trtllm/vector-io.cuh>

#include "online-softmax.sm80.cuh"
#include "split-plan.cuh"

// softmax(scale * q k^T) v for single queries (decode) on tensor cores, f16 and bf16, head sizes up to kDim, a multiple of 8.
// A block of 4 warps owns one (query, split of its pages): up to 16 heads that share a kv head are the rows of its tiles,
// so that keys and values are read once for all of them. Warp w takes pages w, w + 4, ... of the split; the block joins its
// warps in order. Grid: x = any number of blocks, which stride over the (query, split) pairs; y = kv head * sixteens of heads.
// Keys and values go from device memory to registers in 16-byte packs, each 64-byte or 128-byte stretch whole: a thread's
// pack of 8 elements along k serves two tiles, with q's elements in the same order, and a pack of 8 value columns is one
// column of 8 tiles (column 8n + j of 64 is column n of tile j).
// Shared memory: one joined output [16][kDim + 8] in f32, its columns in the order of the accumulators (pairs of a warp's
// half then fall in 32 banks), and the warps' maxima and sums: 17 KB at most.
// Numerics: as paged-tile.sm80.cuh; a query of one split is finished here, others by paged_join_kernel.
namespace trtllm::cuda {

constexpr int kSplitRows = 16, kSplitWarps = 4;

__device__ __forceinline__ uint4 load_words(const void* p, bool inside) {
  return inside ? *reinterpret_cast<const uint4*>(p) : uint4{0, 0, 0, 0};
}

__device__ __forceinline__ uint32_t word_of(const uint4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

// Weights of a warp's 32 keys times their values, added to `sums`.
template <class T, int kDim, class Visible>
__device__ __forceinline__ void add_values(float (&sums)[kDim / 8][4], const float (&weights)[4][4], const T* values,
                                           int64_t token_stride, int32_t head_dim, Visible visible) {
  const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
#pragma unroll
  for (int step = 0; step < 2; step++) {
    const auto& low = weights[2 * step];
    const auto& high = weights[2 * step + 1];
    const uint32_t a[4] = {pair_word<T>(low[0], low[1]), pair_word<T>(low[2], low[3]), pair_word<T>(high[0], high[1]),
                           pair_word<T>(high[2], high[3])};
#pragma unroll
    for (int block = 0; block < kDim / 64; block++) {
      const int column = block * 64 + 8 * g;
      uint4 rows[4];  // keys 2t, 2t + 1, 2t + 8, 2t + 9
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int key = step * 16 + 2 * t + i % 2 + i / 2 * 8;
        rows[i] = load_words(values + key * token_stride + column, visible(key) && column < head_dim);
      }
#pragma unroll
      for (int j = 0; j < 8; j++) {
        const unsigned half = j % 2 == 0 ? 0x5410 : 0x7632;
        const uint32_t b[2] = {__byte_perm(word_of(rows[0], j / 2), word_of(rows[1], j / 2), half),
                               __byte_perm(word_of(rows[2], j / 2), word_of(rows[3], j / 2), half)};
        mma_16x8x16(sums[block * 8 + j], a, b, T());
      }
    }
  }
}

template <class T, class Pages, int kDim>
__global__ void __launch_bounds__(kSplitWarps * 32) paged_split_kernel(AttentionOperands o, SplitPlan plan, Pages pages, const T* q, T* y) {
  constexpr int kStride = kDim + 8;
  __shared__ alignas(16) float joined[kSplitRows * kStride];
  __shared__ float tops[kSplitWarps][kSplitRows], totals[kSplitWarps][kSplitRows], row_tops[kSplitRows], row_totals[kSplitRows];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
  const int32_t group = o.heads / o.kv_heads, parts = (group + kSplitRows - 1) / kSplitRows;
  const int32_t kv_head = blockIdx.y / parts, first_head = kv_head * group + blockIdx.y % parts * kSplitRows;
  const int32_t rows_left = (kv_head + 1) * group - first_head, num_rows = rows_left < kSplitRows ? rows_left : kSplitRows;
  for (int64_t item = blockIdx.x;; item += gridDim.x) {
    const SequenceWork work = find_work(o.seqs, item, [&](int64_t s) {
      const int32_t count = o.seq_start[s + 1] - o.seq_start[s];
      const bool chosen = plan.singles != 0 ? count == 1 : count > 0;
      return chosen ? count * split_shape(plan, o.seq_context[s], o.window).splits : 0;
    });
    if (work.seq < 0) return;  // the whole block
    const SplitShape shape = split_shape(plan, o.seq_context[work.seq], o.window);
    const int64_t query = work.item / shape.splits, split = work.item - query * shape.splits;
    const int64_t slot = o.seq_slot[work.seq], token = o.seq_start[work.seq] + query;
    const int64_t position = o.seq_context[work.seq] - (o.seq_start[work.seq + 1] - token);
    const int64_t first = first_visible(position, o.window);
    const int64_t begin = first / 32 + split * shape.pages, limit = begin + shape.pages;
    const int64_t end = limit <= position / 32 ? limit : position / 32 + 1;

    // Elements 8t ... 8t + 7 of 32 of row g or g + 8. PERF: kept in registers where these suffice, else read again from L1.
    constexpr bool kKept = kDim <= 128;
    constexpr int kTogether = kKept ? kDim / 32 : 2;
    const auto query_words = [&](int half, int c) {
      const int row = g + 8 * half, at = 32 * c + 8 * t;
      return load_words(q + token * o.q_stride + (first_head + row) * o.q_head + at, row < num_rows && at < o.head_dim);
    };
    uint4 queries[2][kKept ? kDim / 32 : 1];
    if constexpr (kKept) {
#pragma unroll
      for (int c = 0; c < kDim / 32; c++) {
        queries[0][c] = query_words(0, c);
        queries[1][c] = query_words(1, c);
      }
    }
    float best[2] = {-__builtin_inff(), -__builtin_inff()}, total[2] = {0, 0};
    float sums[kDim / 8][4] = {};
    int64_t next = begin + warp < end ? pages.page_in(slot, begin + warp) : -1;
    for (int64_t column = begin + warp; column < end; column += kSplitWarps) {
      const int64_t page = next;
      next = column + kSplitWarps < end ? pages.page_in(slot, column + kSplitWarps) : -1;
      if (page < 0) continue;  // the same in the whole warp
      const T* keys = pages.page_at(page, 0, kv_head);
      const int low = first > column * 32 ? static_cast<int>(first - column * 32) : 0;
      const int high = position - column * 32 < 31 ? static_cast<int>(position - column * 32) : 31;
      const auto visible = [&](int key) { return key >= low && key <= high; };
      float scores[4][4] = {};
#pragma unroll kTogether
      for (int c = 0; c < kDim / 32; c++) {
        uint4 upper, lower;
        if constexpr (kKept) {
          upper = queries[0][c];
          lower = queries[1][c];
        } else {
          upper = query_words(0, c);
          lower = query_words(1, c);
        }
        const uint32_t a[2][4] = {{upper.x, lower.x, upper.y, lower.y}, {upper.z, lower.z, upper.w, lower.w}};
#pragma unroll
        for (int j = 0; j < 4; j++) {
          const uint4 key = load_words(keys + (j * 8 + g) * pages.token_stride + 32 * c + 8 * t,
                                       visible(j * 8 + g) && 32 * c + 8 * t < o.head_dim);
          const uint32_t b[2][2] = {{key.x, key.y}, {key.z, key.w}};
          mma_16x8x16(scores[j], a[0], b[0], T());
          mma_16x8x16(scores[j], a[1], b[1], T());
        }
      }
#pragma unroll
      for (int j = 0; j < 4; j++) {
#pragma unroll
        for (int e = 0; e < 4; e++) {
          scores[j][e] = visible(j * 8 + 2 * t + e % 2) ? attention_score(o, scores[j][e]) : -__builtin_inff();
        }
      }
      const float kept[2] = {soften(scores, 0, best[0], total[0]), soften(scores, 1, best[1], total[1])};
#pragma unroll
      for (int n = 0; n < kDim / 8; n++) {
#pragma unroll
        for (int e = 0; e < 4; e++) sums[n][e] *= kept[e / 2];
      }
      add_values<T, kDim>(sums, scores, keys + pages.part_stride, pages.token_stride, o.head_dim, visible);
    }

    __syncthreads();  // everyone is done with the last item
#pragma unroll
    for (int half = 0; half < 2; half++) {
      total[half] += __shfl_xor_sync(kFullWarp, total[half], 1);
      total[half] += __shfl_xor_sync(kFullWarp, total[half], 2);
      if (t == 0) {
        tops[warp][g + 8 * half] = best[half];
        totals[warp][g + 8 * half] = total[half];
      }
    }
    __syncthreads();
    const auto factor_of = [&](int of, int row) {  // of a warp's sums in the joined ones; 0 where it saw nothing
      float top = tops[0][row];
      for (int w = 1; w < kSplitWarps; w++) top = fmaxf(top, tops[w][row]);
      return tops[of][row] == -__builtin_inff() ? 0.0f : expf(tops[of][row] - top);
    };
    for (int w = 0; w < kSplitWarps; w++) {
      if (w == warp) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
          const int row = g + 8 * half;
          if (row >= num_rows) continue;
          const float factor = factor_of(w, row);
#pragma unroll
          for (int n = 0; n < kDim / 8; n++) {
            float2& at = *reinterpret_cast<float2*>(joined + row * kStride + 8 * n + 2 * t);
            const float2 before = w == 0 ? float2{0.0f, 0.0f} : at;
            at = float2{fmaf(sums[n][2 * half], factor, before.x), fmaf(sums[n][2 * half + 1], factor, before.y)};
          }
        }
      }
      if (w == 0 && threadIdx.x >= 32 && threadIdx.x < 32 + kSplitRows) {
        const int row = threadIdx.x - 32;
        float top = tops[0][row], sum = 0;
        for (int i = 1; i < kSplitWarps; i++) top = fmaxf(top, tops[i][row]);
        for (int i = 0; i < kSplitWarps; i++) sum = fmaf(totals[i][row], factor_of(i, row), sum);
        row_tops[row] = top;
        row_totals[row] = sum;
      }
      __syncthreads();
    }
    const int64_t piece = ((plan.singles != 0 ? work.seq : token) * plan.max_splits + split) * o.heads + first_head;
    for (int i = threadIdx.x; i < num_rows * o.head_dim; i += kSplitWarps * 32) {
      const int row = i / o.head_dim, at = i - row * o.head_dim;
      const float sum = joined[row * kStride + at / 64 * 64 + at % 8 * 8 + at % 64 / 8];
      if (shape.splits == 1) {
        y[token * o.y_stride + (first_head + row) * o.y_head + at] = from_f32<T>(weighted_mean(sum, row_totals[row] + sink_weight(o, first_head + row, row_tops[row])));
      } else {
        plan.values[(piece + row) * o.head_dim + at] = sum;
        if (at == 0) plan.masses[piece + row] = float2{row_tops[row], row_totals[row]};
      }
    }
  }
}

// Joins the splits of a query, first to last. One warp a (query, head); grid: x = rows of the plan, y = heads / 4.
template <class T>
__global__ void __launch_bounds__(128) paged_join_kernel(AttentionOperands o, SplitPlan plan, T* y) {
  const int lane = threadIdx.x & 31;
  const int32_t head = blockIdx.y * 4 + (threadIdx.x >> 5);
  const int64_t row = blockIdx.x, seq = plan.singles != 0 ? row : sequence_of(o.seq_start, o.seqs, row);
  if (seq < 0 || head >= o.heads) return;  // whole warps
  const int32_t count = o.seq_start[seq + 1] - o.seq_start[seq];
  if (count == 0 || (plan.singles != 0 && count != 1)) return;
  const int32_t splits = split_shape(plan, o.seq_context[seq], o.window).splits;
  if (splits == 1) return;
  const int64_t token = plan.singles != 0 ? o.seq_start[seq] : row, first = row * plan.max_splits * o.heads + head;
  float top = -__builtin_inff(), total = 0;
  for (int32_t split = 0; split < splits; split++) top = fmaxf(top, plan.masses[first + split * o.heads].x);
  const auto factor_of = [&](float own) { return own == -__builtin_inff() ? 0.0f : expf(own - top); };
  for (int32_t split = 0; split < splits; split++) {
    const float2 mass = plan.masses[first + split * o.heads];
    total = fmaf(mass.y, factor_of(mass.x), total);
  }
  total += sink_weight(o, head, top);
  for (int32_t i = lane; i < o.head_dim; i += 32) {
    float sum = 0;
    for (int32_t split = 0; split < splits; split++) {
      const int64_t piece = first + split * o.heads;
      sum = fmaf(plan.values[piece * o.head_dim + i], factor_of(plan.masses[piece].x), sum);
    }
    y[token * o.y_stride + head * o.y_head + i] = from_f32<T>(weighted_mean(sum, total));
  }
}

}  // namespace trtllm::cuda

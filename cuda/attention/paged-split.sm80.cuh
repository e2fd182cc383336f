#pragma once
#include <trtllm/ptx/mma.cuh>
#include "cached-eight.cuh"
#include "online-softmax.sm80.cuh"
#include "split-join.cuh"

// softmax(scale * q k^T) v for single queries (decode) on tensor cores, f16 and bf16 over pages of their own type or f8,
// head sizes up to kDim, a multiple of 8.
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

template <class T, class C>
__device__ __forceinline__ uint4 load_words(const C* p, bool inside) {
  return inside ? eight_of<T>(p) : uint4{0, 0, 0, 0};
}

__device__ __forceinline__ uint32_t word_of(const uint4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

// Weights of a warp's 32 keys times their values, added to `sums`.
template <class T, int kDim, class C, class Visible>
__device__ __forceinline__ void add_values(float (&sums)[kDim / 8][4], const float (&weights)[4][4], const C* values,
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
        rows[i] = load_words<T>(values + key * token_stride + column, visible(key) && column < head_dim);
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
  __shared__ SplitJoin join;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
  const int32_t group = o.heads / o.kv_heads, parts = split_parts(o);
  const int32_t kv_head = blockIdx.y / parts, first_head = kv_head * group + blockIdx.y % parts * kSplitRows;
  const int32_t rows_left = (kv_head + 1) * group - first_head, num_rows = rows_left < kSplitRows ? rows_left : kSplitRows;
  for (int64_t item = blockIdx.x;; item += gridDim.x) {
    const SplitItem work = split_item(o, plan, item);
    if (work.seq < 0) return;  // the whole block
    const int64_t slot = work.slot, token = work.token, position = work.position, first = work.first;
    const int64_t begin = work.begin, end = work.end;

    // Elements 8t ... 8t + 7 of 32 of row g or g + 8. PERF: kept in registers where these suffice, else read again from L1.
    constexpr bool kKept = kDim <= 128;
    constexpr int kTogether = kKept ? kDim / 32 : 2;
    const auto query_words = [&](int half, int c) {
      const int row = g + 8 * half, at = 32 * c + 8 * t;
      return load_words<T>(q + token * o.q_stride + (first_head + row) * o.q_head + at, row < num_rows && at < o.head_dim);
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
      const auto* keys = pages.page_at(page, 0, kv_head);
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
          const uint4 key = load_words<T>(keys + (j * 8 + g) * pages.token_stride + 32 * c + 8 * t,
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

    join.join(sums, best, total, joined, num_rows, [] { __syncthreads(); });
    finish_split(o, plan, work, join, joined, kStride, first_head, num_rows, y,
                 [](int at) { return at / 64 * 64 + at % 8 * 8 + at % 64 / 8; });
  }
}

}  // namespace trtllm::cuda

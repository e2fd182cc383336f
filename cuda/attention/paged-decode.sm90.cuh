#pragma once
#include <trtllm/ptx/f8-pair.cuh>
#include <trtllm/ptx/ldmatrix.cuh>
#include <trtllm/ptx/mma.cuh>
#include <trtllm/ptx/named-barrier.cuh>
#include <trtllm/ptx/shared-load.cuh>
#include <trtllm/ptx/tensor-copy.sm90.cuh>

#include "base-two-softmax.cuh"
#include "split-join.cuh"
#include "split-plan.cuh"

// softmax(scale * q k^T) v for single queries (decode) on tensor cores, f16 and bf16 queries over pages of their own type or
// of f8, head sizes 64, 128 and 256 (sm_90). The items are those of paged-split.sm80.cuh: (query, split of its pages, up to
// 16 heads that share a kv head). Blocks stay on their multiprocessor, two on each (one for heads of 256), and take a
// stretch of the items each.
// A producer warp finds the items, two ahead, and copies their queries and page after page, across items, into a ring of
// kStages in shared memory. Four warps take the pages of the ring in turn, each with its own maxima and sums, and join at an
// item's end; a 16-bit item of one page is finished by the warp that took it, while the others go on.
// Shared memory, 1,024-byte aligned: kStages of keys and values, each [kBlocks][32][128 bytes], swizzled; two items' queries
// [16][kDim + 8]; the warps' outputs [4][16][kDim + 8] f32. Numerics: scores and online softmax in f32 (base 2), weights
// rounded to M for the second product, f32 sums; f8 keys and values become f16, exactly, and so do queries over them.
namespace trtllm::cuda {

constexpr int kDecodeThreads = 160;

template <class C, int kDim>
struct DecodeRing {
  static constexpr int kRowBytes = kDim * sizeof(C), kBlockBytes = kRowBytes < 128 ? kRowBytes : 128;
  static constexpr int kBlocks = kRowBytes / kBlockBytes, kPartBytes = 32 * kRowBytes;
  static constexpr int kBlocksTogether = kDim > 128 ? 1 : 2;
  static constexpr int kRowStride = kDim + 8;  // of queries and outputs: rows of a tile then lie in different banks
  static constexpr int kQueryBytes = kSplitRows * kRowStride * 2, kOutputBytes = kSplitWarps * kSplitRows * kRowStride * 4;
  static constexpr int kRoom = (226 * 1024 / kBlocksTogether - 4096 - 2 * kQueryBytes - kOutputBytes) / (2 * kPartBytes);
  // HAZARD: a multiple of the warps, so that a stage is always the same warp's within an item. Otherwise a warp could be a
  // whole turn of the ring ahead of another, and a barrier's parity cannot tell these apart.
  static constexpr int kStages = (kRoom < 24 ? kRoom : 24) / kSplitWarps * kSplitWarps;
  static constexpr int kBytes = 1024 + kStages * 2 * kPartBytes + 2 * kQueryBytes + kOutputBytes;

  // The 16 bytes `chunk` of row `key` of a part.
  static __device__ __forceinline__ uint32_t offset(int key, int chunk) {
    const int block = chunk / (kBlockBytes / 16), at = chunk % (kBlockBytes / 16);
    const int swizzled = kBlockBytes == 128 ? at ^ (key & 7) : at ^ (key >> 1 & 3);
    return static_cast<uint32_t>((block * 32 + key) * kBlockBytes + swizzled * 16);
  }
};

// The cache as rows of kDim elements, `rows` of them.
struct DecodeMap {
  CUtensorMap cache;
  int32_t rows;
};

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

__device__ __forceinline__ uint32_t part_of(const uint4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

template <class C, int kDim>
struct DecodeBarriers {
  uint64_t item_full[2], item_empty[2], full[DecodeRing<C, kDim>::kStages], empty[DecodeRing<C, kDim>::kStages];
};

struct DecodeItem {
  SplitItem split;
  int32_t kv_head, first_head, num_rows;
};

// What warps leave for each other at an item's end.
struct DecodeJoin {
  float tops[kSplitWarps][kSplitRows], totals[kSplitWarps][kSplitRows];
};

template <class T, class C, int kDim, class Pages>
__device__ __forceinline__ void produce_pages(const AttentionOperands& o, const SplitPlan& plan, const Pages& pages, const DecodeMap& map,
                                              int32_t sides, const T* q, unsigned char* memory, T* queries, DecodeItem (&shared)[2],
                                              DecodeBarriers<C, kDim>& barriers) {
  using Ring = DecodeRing<C, kDim>;
  constexpr int kCopies = 2 * Ring::kBlocks;
  const int lane = threadIdx.x & 31;
  const int32_t group = o.heads / o.kv_heads, parts = split_parts(o);
  uint32_t stage = 0, phase = 0, turn = 0;
  const int64_t all = SplitCursor::count_items(o, plan) * sides;
  const int64_t end = all * (blockIdx.x + 1) / gridDim.x;
  SplitCursor cursor;
  SplitItem item{};
  int64_t found = -1, known = -1;  // the first 32 pages of the item that lanes know
  for (int64_t index = all * blockIdx.x / gridDim.x;; index++, turn++) {
    if (index >= end) {
      item.seq = -1;
    } else if (index / sides != known) {
      known = index / sides;
      item = cursor.at(o, plan, known);
      found = item.begin + lane < item.end ? pages.page_in(item.slot, item.begin + lane) : -1;
    }
    const int32_t side = static_cast<int32_t>(index % sides), kv_head = side / parts, first_head = kv_head * group + side % parts * kSplitRows;
    const int32_t rows_left = (kv_head + 1) * group - first_head, num_rows = rows_left < kSplitRows ? rows_left : kSplitRows;
    uint64_t* item_full = &barriers.item_full[turn & 1];
    wait_phase(&barriers.item_empty[turn & 1], (turn >> 1 & 1) ^ 1);
    if (lane == 0) {
      shared[turn & 1] = DecodeItem{item, kv_head, first_head, num_rows};
      if (item.seq < 0) {
        arrive(item_full);
      } else {
        arrive_expecting(item_full, num_rows * kDim * 2);
      }
    }
    __syncwarp();
    if (item.seq < 0) return;
    if (lane < num_rows) {
      copy_bytes(queries + ((turn & 1) * kSplitRows + lane) * Ring::kRowStride, q + item.token * o.q_stride + (first_head + lane) * o.q_head,
                 item_full, kDim * 2);
    }
    for (int64_t base = item.begin; base < item.end; base += 32) {
      const int64_t here = base == item.begin ? found : base + lane < item.end ? pages.page_in(item.slot, base + lane) : -1;
      const int count = item.end - base < 32 ? static_cast<int>(item.end - base) : 32;
      for (int i = 0; i < count; i++) {
        const int64_t page = __shfl_sync(kFullWarp, here, i);
        wait_phase(&barriers.empty[stage], phase ^ 1);
        if (lane == 0) arrive_expecting(&barriers.full[stage], 2 * Ring::kPartBytes);
        __syncwarp();
        if (lane < kCopies) {
          const int part = lane / Ring::kBlocks, block = lane % Ring::kBlocks;
          const int64_t row = ((page * 2 + part) * o.kv_heads + kv_head) * 32;
          copy_box(memory + (stage * 2 + part) * Ring::kPartBytes + block * 32 * Ring::kBlockBytes, &map.cache, &barriers.full[stage],
                   block * (Ring::kBlockBytes / static_cast<int>(sizeof(C))), page < 0 ? map.rows : static_cast<int32_t>(row));
        }
        if (++stage == Ring::kStages) stage = 0, phase ^= 1;
      }
    }
  }
}

// The queries of up to 16 heads as first operands: word i of step s holds elements s * 16 + at(i) and the next. Rows beyond
// num_rows are 0.
template <class T, class M, bool kPacked, int kSteps>
__device__ __forceinline__ void load_queries(uint32_t (&words)[kSteps][4], const T* queries, int32_t num_rows) {
  const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
#pragma unroll
  for (int s = 0; s < kSteps; s++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int row = g + i % 2 * 8, at = s * 16 + (kPacked ? 4 * t + i / 2 * 2 : 2 * t + i / 2 * 8);
      const T* from = queries + row * (kSteps * 16 + 8) + at;
      words[s][i] = row < num_rows ? two_words(to_f32(from[0]), to_f32(from[1]), M()) : 0;
    }
  }
}

// Scores of the 32 keys at `keys` and the weighted sums of the values behind them.
template <class M, class C, int kDim>
struct DecodePage {
  using Ring = DecodeRing<C, kDim>;
  static constexpr bool kIsF8 = sizeof(C) == 1;

  static __device__ __forceinline__ void score(float (&scores)[4][4], const uint32_t (&queries)[kDim / 16][4], uint32_t keys) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int j = 0; j < 4; j++) {
#pragma unroll
      for (int e = 0; e < 4; e++) scores[j][e] = 0;
    }
#pragma unroll
    for (int c = 0; c < Ring::kRowBytes / 64; c++) {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        uint32_t words[4];
        load_matrices(words, keys + Ring::offset(j * 8 + (lane & 7), c * 4 + (lane >> 3)));
        if constexpr (kIsF8) {
#pragma unroll
          for (int i = 0; i < 4; i++) {
            const uint32_t b[2] = {f16_pair(words[i] & 0xffff), f16_pair(words[i] >> 16)};
            mma_16x8x16(scores[j], queries[c * 4 + i], b, M());
          }
        } else {
#pragma unroll
          for (int i = 0; i < 2; i++) {
            const uint32_t b[2] = {words[2 * i], words[2 * i + 1]};
            mma_16x8x16(scores[j], queries[c * 2 + i], b, M());
          }
        }
      }
    }
  }

  // Keys outside [low, high] have no values: what lies there may be anything. Column `at` of f8 values is column
  // at % 128 / 16 of tile at % 16 of its 128.
  static __device__ __forceinline__ void add(float (&sums)[kDim / 8][4], const float (&weights)[4][4], uint32_t values, int low, int high) {
    const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
#pragma unroll
    for (int step = 0; step < 2; step++) {
      const auto& left = weights[2 * step];
      const auto& right = weights[2 * step + 1];
      const uint32_t a[4] = {two_words(left[0], left[1], M()), two_words(left[2], left[3], M()), two_words(right[0], right[1], M()),
                             two_words(right[2], right[3], M())};
      uint32_t mask[2];
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const int key = step * 16 + 8 * i + 2 * t;
        mask[i] = (key >= low && key <= high ? 0xffffu : 0u) | (key + 1 >= low && key + 1 <= high ? 0xffff0000u : 0u);
      }
      if constexpr (kIsF8) {
#pragma unroll
        for (int block = 0; block < (kDim + 127) / 128; block++) {
          constexpr int kColumns = kDim < 128 ? kDim / 8 : 16;  // of a lane
          uint4 rows[4];                                       // keys 2t, 2t + 1, 2t + 8, 2t + 9
#pragma unroll
          for (int i = 0; i < 4; i++) {
            const int key = step * 16 + 2 * t + i % 2 + i / 2 * 8;
            if constexpr (kColumns == 16) {
              rows[i] = load_shared(values + Ring::offset(key, block * 8 + g));
            } else {
              const uint2 half = load_shared_half(values + Ring::offset(key, g / 2) + g % 2 * 8);
              rows[i] = uint4{half.x, half.y, 0, 0};
            }
          }
#pragma unroll
          for (int w = 0; w < kColumns / 4; w++) {
#pragma unroll
            for (int pair = 0; pair < 2; pair++) {
              const unsigned order = pair == 0 ? 0x5140 : 0x7362;
              const uint32_t lower = __byte_perm(part_of(rows[0], w), part_of(rows[1], w), order);
              const uint32_t upper = __byte_perm(part_of(rows[2], w), part_of(rows[3], w), order);
              const int tile = block * 16 + w * 4 + pair * 2;
              const uint32_t even[2] = {f16_pair(lower & 0xffff) & mask[0], f16_pair(upper & 0xffff) & mask[1]};
              const uint32_t odd[2] = {f16_pair(lower >> 16) & mask[0], f16_pair(upper >> 16) & mask[1]};
              mma_16x8x16(sums[tile], a, even, M());
              mma_16x8x16(sums[tile + 1], a, odd, M());
            }
          }
        }
      } else {
#pragma unroll
        for (int n = 0; n < kDim / 16; n++) {
          uint32_t words[4];
          load_matrices_transposed(words, values + Ring::offset(step * 16 + (lane & 15), n * 2 + (lane >> 4)));
          const uint32_t even[2] = {words[0] & mask[0], words[1] & mask[1]}, odd[2] = {words[2] & mask[0], words[3] & mask[1]};
          mma_16x8x16(sums[2 * n], a, even, M());
          mma_16x8x16(sums[2 * n + 1], a, odd, M());
        }
      }
    }
  }

  // Where column `at` stands among the sums of a row, tile by tile.
  static __device__ __forceinline__ int place_of(int at) {
    if (!kIsF8) return at;
    if (kDim < 128) return at % (kDim / 8) * 8 + at / (kDim / 8);
    return at / 128 * 128 + at % 16 * 8 + at % 128 / 16;
  }
};

__device__ __forceinline__ void wait_for_warps() { wait_at_barrier(1, kSplitWarps * 32); }

// Joins the warps of a block and writes the result where the query has one split, else its piece.
template <class T, class M, class C, int kDim>
__device__ __forceinline__ void finish_item(const AttentionOperands& o, const SplitPlan& plan, const DecodeItem& item, const float (&sums)[kDim / 8][4],
                                            const float (&best)[2], const float (&total)[2], float* outputs, DecodeJoin& join, T* y) {
  constexpr int kStride = DecodeRing<C, kDim>::kRowStride;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
  wait_for_warps();  // everyone is done with the last item
#pragma unroll
  for (int half = 0; half < 2; half++) {
    float sum = total[half];
    sum += __shfl_xor_sync(kFullWarp, sum, 1);
    sum += __shfl_xor_sync(kFullWarp, sum, 2);
    if (t == 0) {
      join.tops[warp][g + 8 * half] = best[half] * (o.softcap > 0 ? 1.0f : o.scale);
      join.totals[warp][g + 8 * half] = sum;
    }
  }
  wait_for_warps();
  const auto top_of = [&](int row) {
    return fmaxf(fmaxf(join.tops[0][row], join.tops[1][row]), fmaxf(join.tops[2][row], join.tops[3][row]));
  };
  const auto factor_of = [&](int w, int row, float top) {  // 0 where the warp saw nothing
    const float own = join.tops[w][row];
    return own == -__builtin_inff() ? 0.0f : fast_exp2((own - top) * kLog2E);
  };
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const int row = g + 8 * half;
    if (row >= item.num_rows) continue;
    const float factor = factor_of(warp, row, top_of(row));
#pragma unroll
    for (int n = 0; n < kDim / 8; n++) {
      *reinterpret_cast<float2*>(outputs + (warp * kSplitRows + row) * kStride + 8 * n + 2 * t) =
          float2{sums[n][2 * half] * factor, sums[n][2 * half + 1] * factor};
    }
  }
  wait_for_warps();
  const SplitItem& split = item.split;
  const int64_t piece = ((plan.singles != 0 ? split.seq : split.token) * plan.max_splits + split.split) * o.heads + item.first_head;
  for (int i = threadIdx.x; i < item.num_rows * (kDim / 4); i += kSplitWarps * 32) {
    const int row = i / (kDim / 4), at = i % (kDim / 4) * 4;
    float sum[4] = {0, 0, 0, 0};
#pragma unroll
    for (int w = 0; w < kSplitWarps; w++) {
#pragma unroll
      for (int e = 0; e < 4; e++) sum[e] += outputs[(w * kSplitRows + row) * kStride + DecodePage<M, C, kDim>::place_of(at + e)];
    }
    const float top = top_of(row);
    float mass = 0;
#pragma unroll
    for (int w = 0; w < kSplitWarps; w++) mass = fmaf(join.totals[w][row], factor_of(w, row, top), mass);
    if (split.splits == 1) {
      const float all = mass + sink_weight(o, item.first_head + row, top);
      const uint2 words{two_words(weighted_mean(o, sum[0], all), weighted_mean(o, sum[1], all), T()),
                        two_words(weighted_mean(o, sum[2], all), weighted_mean(o, sum[3], all), T())};
      *reinterpret_cast<uint2*>(y + split.token * o.y_stride + (item.first_head + row) * o.y_head + at) = words;
    } else {
      *reinterpret_cast<float4*>(plan.values + (piece + row) * kDim + at) = float4{sum[0], sum[1], sum[2], sum[3]};
      if (at == 0) plan.masses[piece + row] = float2{top, mass};
    }
  }
}

// Writes the result of an item that one warp saw whole.
template <class T, int kDim>
__device__ __forceinline__ void finish_alone(const AttentionOperands& o, const DecodeItem& item, const float (&sums)[kDim / 8][4],
                                             const float (&best)[2], const float (&total)[2], T* y) {
  const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    float sum = total[half];
    sum += __shfl_xor_sync(kFullWarp, sum, 1);
    sum += __shfl_xor_sync(kFullWarp, sum, 2);
    const int row = g + 8 * half;
    if (row >= item.num_rows) continue;
    const float all = sum + sink_weight(o, item.first_head + row, best[half] * (o.softcap > 0 ? 1.0f : o.scale));
    T* to = y + item.split.token * o.y_stride + (item.first_head + row) * o.y_head;
#pragma unroll
    for (int n = 0; n < kDim / 8; n++) {
      const float left = weighted_mean(o, sums[n][2 * half], all), right = weighted_mean(o, sums[n][2 * half + 1], all);
      *reinterpret_cast<uint32_t*>(to + 8 * n + 2 * t) = two_words(left, right, T());
    }
  }
}

template <class T, class M, class C, int kDim>
__device__ __forceinline__ void consume_pages(const AttentionOperands& o, const SplitPlan& plan, T* y, uint32_t memory, const T* query_rows,
                                              float* outputs, const DecodeItem (&shared)[2], DecodeBarriers<C, kDim>& barriers, DecodeJoin& join) {
  using Ring = DecodeRing<C, kDim>;
  using Page = DecodePage<M, C, kDim>;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, t = lane & 3;
  const float factor = (o.softcap > 0 ? 1.0f : o.scale) * kLog2E;
  int64_t before = 0;  // pages of the block's items so far
  for (uint32_t item_turn = 0;; item_turn++) {
    wait_phase(&barriers.item_full[item_turn & 1], item_turn >> 1 & 1);
    const DecodeItem whole = shared[item_turn & 1];
    const SplitItem& item = whole.split;
    if (item.seq < 0) return;
    uint32_t queries[kDim / 16][4];
    load_queries<T, M, Page::kIsF8>(queries, query_rows + (item_turn & 1) * kSplitRows * Ring::kRowStride, whole.num_rows);
    __syncwarp();
    if (lane == 0) arrive(&barriers.item_empty[item_turn & 1]);
    float best[2] = {-__builtin_inff(), -__builtin_inff()}, total[2] = {0, 0};
    float sums[kDim / 8][4] = {};
    const int64_t num_pages = item.end - item.begin;
    for (int64_t page = (warp - before) & (kSplitWarps - 1); page < num_pages; page += kSplitWarps) {
      const int64_t turn = before + page, column = item.begin + page;
      const int stage = static_cast<int>(turn % Ring::kStages);
      wait_phase(&barriers.full[stage], static_cast<uint32_t>(turn / Ring::kStages & 1));
      const uint32_t keys = memory + stage * 2 * Ring::kPartBytes;
      const int low = item.first > column * 32 ? static_cast<int>(item.first - column * 32) : 0;
      const int high = item.position - column * 32 < 31 ? static_cast<int>(item.position - column * 32) : 31;
      float scores[4][4];
      Page::score(scores, queries, keys);
      if (o.softcap > 0) {
#pragma unroll
        for (int i = 0; i < 16; i++) scores[i / 4][i % 4] = soft_capped(scores[i / 4][i % 4], o.scale, o.softcap);
      }
      if (low > 0 || high < 31) {
#pragma unroll
        for (int i = 0; i < 16; i++) {
          const int key = i / 4 * 8 + 2 * t + i % 2;
          if (key < low || key > high) scores[i / 4][i % 4] = -__builtin_inff();
        }
      }
      float kept[2];
      soften_base_two(reinterpret_cast<float(&)[16]>(scores), factor, best, total, kept);
#pragma unroll
      for (int n = 0; n < kDim / 8; n++) {
#pragma unroll
        for (int e = 0; e < 4; e++) sums[n][e] *= kept[e / 2];
      }
      Page::add(sums, scores, keys + Ring::kPartBytes, low, high);
      __syncwarp();
      if (lane == 0) arrive(&barriers.empty[stage]);
    }
    const bool is_mine = (before & (kSplitWarps - 1)) == warp;
    before += num_pages;
    // Columns of f8 values lie apart in the registers: those are put in order on the way through shared memory.
    if constexpr (!Page::kIsF8) {
      if (num_pages == 1 && item.splits == 1) {
        if (is_mine) finish_alone<T, kDim>(o, whole, sums, best, total, y);
        continue;
      }
    }
    finish_item<T, M, C, kDim>(o, plan, whole, sums, best, total, outputs, join, y);
  }
}

#endif

template <class T, class M, class C, class Pages, int kDim>
__global__ void __launch_bounds__(kDecodeThreads, (DecodeRing<C, kDim>::kBlocksTogether))
    paged_decode_kernel(AttentionOperands o, SplitPlan plan, Pages pages, const __grid_constant__ DecodeMap map, int32_t sides, const T* q, T* y) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  using Ring = DecodeRing<C, kDim>;
  extern __shared__ unsigned char unaligned_memory[];
  __shared__ DecodeBarriers<C, kDim> barriers;
  __shared__ DecodeItem items[2];
  __shared__ DecodeJoin join;
  const uint32_t start = static_cast<uint32_t>(__cvta_generic_to_shared(unaligned_memory));
  unsigned char* memory = unaligned_memory + (1024 - start % 1024) % 1024;
  T* queries = reinterpret_cast<T*>(memory + Ring::kStages * 2 * Ring::kPartBytes);
  float* outputs = reinterpret_cast<float*>(queries + 2 * kSplitRows * Ring::kRowStride);
  if (threadIdx.x == 0) {
    for (int i = 0; i < 2; i++) {
      init_barrier(&barriers.item_full[i], 1);
      init_barrier(&barriers.item_empty[i], kSplitWarps);
    }
    for (int i = 0; i < Ring::kStages; i++) {
      init_barrier(&barriers.full[i], 1);
      init_barrier(&barriers.empty[i], 1);
    }
    publish_barriers();
  }
  __syncthreads();
  if (threadIdx.x >= kSplitWarps * 32) {
    produce_pages<T, C, kDim>(o, plan, pages, map, sides, q, memory, queries, items, barriers);
  } else {
    consume_pages<T, M, C, kDim>(o, plan, y, static_cast<uint32_t>(__cvta_generic_to_shared(memory)), queries, outputs, items, barriers, join);
  }
#endif
}

}  // namespace trtllm::cuda

#pragma once
#include <type_traits>

#include "../../core/kernel.h"
#include "../../core/thread-pool.h"
#include "gemm-policy.h"
#include "panel.h"

// y[rows, out] = (x * weight^T) * scale + bias over panel weights.
//
// Rows go in chunks of at most kChunkRows, a chunk in blocks of at most kBlockRows. A chunk's activations are converted
// and packed step-major into the workspace; then every (strip group, block) is one tile over the whole of K with its
// accumulators in registers. A thread takes the blocks of a strip group one after another: the group's weights stay in
// its L2 cache. No sum is ever split, so threads, blocks and chunks change no bit.
namespace trtllm {
namespace ISA_NS {

#if !TRTLLM_SCALAR
#if TRTLLM_AVX512
constexpr int kBlockRows = 12;
// PERF: panels of a matrix lie a power of two apart, in the same sets of the cache: eight strips read 37 GB/s, two 54.
constexpr int strips_for(int) { return 2; }
#else
constexpr int kBlockRows = 6;
constexpr int strips_for(int rows) { return rows <= 1 ? 4 : rows <= 2 ? 2 : 1; }
#endif
constexpr int64_t kChunkRows = 16 * kBlockRows;
constexpr int64_t kPrefetchBytes = 4096;  // ahead of the tile, over all of its strips

struct GemmShape {
  int64_t rows, in, out;
};

// Bytes of packed activations: four a column at most, columns in groups of four at most.
TRTLLM_INLINE int64_t gemm_workspace_bytes(const GemmShape& shape) {
  const int64_t rows = shape.rows < kChunkRows ? shape.rows : kChunkRows;
  return rows * ((shape.in + 3) / 4 * 4) * 4;
}

// [begin, end) of part `index` when `total` is cut into `parts` parts that differ by one at most.
TRTLLM_INLINE int64_t part_begin(int64_t total, int64_t parts, int64_t index) {
  return total / parts * index + (index < total % parts ? index : total % parts);
}

template <class P, int R, int S>
static void gemm_tile(const typename P::Packed* a, const typename P::Weight* const (&strips)[S], int64_t steps,
                      float* out) {
  Vec acc[R][S];
#pragma GCC unroll 12
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
    for (int s = 0; s < S; s++) acc[r][s] = zero();
  }
  constexpr int64_t kStepWeights = kPanelRows * P::kGroup;
  for (int64_t step = 0; step < steps; step++) {
    // PERF: hardware prefetch alone is too late for few strips; 8 rows of 4096 x 4096 bf16 go from 440 to 600 GFLOP/s.
#pragma GCC unroll 8
    for (int s = 0; s < S; s++) {
      __builtin_prefetch(reinterpret_cast<const char*>(strips[s] + step * kStepWeights) + kPrefetchBytes / S);
    }
    P::template step<R, S>(acc, strips, step * kStepWeights, a);
    a += R * P::kPackedPerRow;
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
    for (int s = 0; s < S; s++) P::finish(out + (r * S + s) * P::kStrip, acc[r][s]);
  }
}

template <class P, int S>
static void gemm_tile_rows(int rows, const typename P::Packed* a, const typename P::Weight* const (&strips)[S],
                           int64_t steps, float* out) {
#define TRTLLM_TILE(R) \
  case R:              \
    return gemm_tile<P, R, S>(a, strips, steps, out);
  switch (rows) {
#if TRTLLM_AVX512
    TRTLLM_TILE(1) TRTLLM_TILE(2) TRTLLM_TILE(3) TRTLLM_TILE(4) TRTLLM_TILE(5) TRTLLM_TILE(6)
    TRTLLM_TILE(7) TRTLLM_TILE(8) TRTLLM_TILE(9) TRTLLM_TILE(10) TRTLLM_TILE(11) TRTLLM_TILE(12)
#else
    case 1: if constexpr (S == strips_for(1)) return gemm_tile<P, 1, S>(a, strips, steps, out); break;
    case 2: if constexpr (S == strips_for(2)) return gemm_tile<P, 2, S>(a, strips, steps, out); break;
    default:
      if constexpr (S == strips_for(6)) {
        switch (rows) { TRTLLM_TILE(3) TRTLLM_TILE(4) TRTLLM_TILE(5) TRTLLM_TILE(6) }
      }
#endif
  }
#undef TRTLLM_TILE
}

#if TRTLLM_AVX512_BF16
// Pairs of columns of bf16 rows; `in` is padded to a multiple of `group`.
template <class RowAt>
TRTLLM_INLINE void pack_pairs(RowAt&& row_at, int rows, int64_t in, int group, uint32_t* packed) {
  const Bf16* x[kBlockRows];
  for (int r = 0; r < rows; r++) x[r] = row_at(r);
  for (int64_t pair = 0; pair < in / 2; pair++) {
    for (int r = 0; r < rows; r++) memcpy(packed + pair * rows + r, x[r] + 2 * pair, 4);
  }
  const int64_t padded = (in + group - 1) / group * group;
  for (int64_t pair = in / 2; pair < padded / 2; pair++) {
    for (int r = 0; r < rows; r++) packed[pair * rows + r] = 2 * pair < in ? x[r][in - 1].bits : 0;
  }
}
#endif

// `rows` rows, row r at row_at(r), step-major. Columns beyond `in` are zero.
template <class P, class RowAt>
static void pack_block(RowAt&& row_at, int rows, int64_t in, typename P::Packed* packed) {
#if TRTLLM_AVX512_BF16
  if constexpr (std::is_same_v<typename P::Packed, uint32_t>) {
    pack_pairs(row_at, rows, in, P::kGroup, packed);
  } else
#endif
  {
    const int64_t step_size = static_cast<int64_t>(rows) * P::kPackedPerRow;
    for (int r = 0; r < rows; r++) {
      const auto* x = row_at(r);
      for_stretches(in, [&](int64_t i, int n) {
        float lanes[kLanes];
        store(lanes, load_stretch(x + i, n));
        const int padded = (n + P::kGroup - 1) / P::kGroup * P::kGroup;
        for (int k = 0; k < padded; k++) {
          packed[(i + k) / P::kGroup * step_size + P::place(r, static_cast<int>((i + k) % P::kGroup), rows)] = lanes[k];
        }
      });
    }
  }
}

template <class X, class Y>
struct GemmOperands {
  const X* x;
  int64_t x_stride;
  const void* weight;  // panels
  const float* scale;  // of the sum of each output, or null
  const void* bias;    // of the type of x, or null
  Y* y;
  int64_t y_stride;
};

// Strip group `group` of a weight [out, in] in panels times `rows` packed rows. store_row(r, column, columns, sums) gets
// the f32 sums of row r from output `column` on.
template <class P, int S, class StoreRow>
static void gemm_group(const void* weight, int64_t in, int64_t out, const typename P::Packed* packed, int rows,
                       int64_t group, StoreRow&& store_row) {
  using W = typename P::Weight;
  constexpr int kStripsPerPanel = kPanelRows / P::kStrip;
  const int64_t steps = (in + P::kGroup - 1) / P::kGroup;
  const int64_t panel_elements = steps * P::kGroup * kPanelRows;
  const int64_t last = panel_count(out) * kStripsPerPanel - 1;
  const W* strips[S];
  for (int s = 0; s < S; s++) {
    int64_t strip = group * S + s;
    if (strip > last) strip = last;  // computed again and not stored
    strips[s] = static_cast<const W*>(weight) + strip / kStripsPerPanel * panel_elements +
                strip % kStripsPerPanel * P::kStrip * P::kGroup;
  }
  float tile[kBlockRows * S * P::kStrip];
  gemm_tile_rows<P, S>(rows, packed, strips, steps, tile);
  const int64_t column = group * S * P::kStrip;
  const int64_t columns = out - column < S * P::kStrip ? out - column : S * P::kStrip;
  for (int r = 0; r < rows; r++) store_row(r, column, columns, tile + r * S * P::kStrip);
}

// The same for a number of strips known at run time, one of those that strips_for gives.
template <class P, class StoreRow>
static void gemm_group_of(int strips, const void* weight, int64_t in, int64_t out, const typename P::Packed* packed,
                          int rows, int64_t group, StoreRow&& store_row) {
  switch (strips) {
    case 4:
      if constexpr (strips_for(1) == 4) gemm_group<P, 4>(weight, in, out, packed, rows, group, store_row);
      break;
    case 2: gemm_group<P, 2>(weight, in, out, packed, rows, group, store_row); break;
    default:
      if constexpr (strips_for(6) == 1) gemm_group<P, 1>(weight, in, out, packed, rows, group, store_row);
      break;
  }
}

template <class P, class X, class Y>
static void gemm(const GemmOperands<X, Y>& o, const GemmShape& shape, LaunchContext& context) {
  using Packed = typename P::Packed;
  auto* packed = static_cast<Packed*>(context.workspace);
  const int64_t steps = (shape.in + P::kGroup - 1) / P::kGroup;
  const int64_t packed_row = steps * P::kPackedPerRow;
  const int64_t strips = panel_count(shape.out) * (kPanelRows / P::kStrip);
  const int64_t chunks = (shape.rows + kChunkRows - 1) / kChunkRows;
  for (int64_t chunk = 0; chunk < chunks; chunk++) {
    const int64_t chunk_row = part_begin(shape.rows, chunks, chunk);
    const int64_t chunk_rows = part_begin(shape.rows, chunks, chunk + 1) - chunk_row;
    const int64_t blocks = (chunk_rows + kBlockRows - 1) / kBlockRows;
    context.pool->for_each(blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; b++) {
        const int64_t row = part_begin(chunk_rows, blocks, b);
        const int rows = static_cast<int>(part_begin(chunk_rows, blocks, b + 1) - row);
        const X* x = o.x + (chunk_row + row) * o.x_stride;
        pack_block<P>([&](int r) { return x + r * o.x_stride; }, rows, shape.in, packed + row * packed_row);
      }
    });
    const int strips_each = strips_for(static_cast<int>(part_begin(chunk_rows, blocks, 1)));
    const int64_t groups = (strips + strips_each - 1) / strips_each;
    const int64_t grain = groups >= 4 * context.pool->num_threads() ? blocks : 1;
    context.pool->for_each(groups * blocks, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t block = i % blocks, group = i / blocks;
        const int64_t row = part_begin(chunk_rows, blocks, block);
        const int rows = static_cast<int>(part_begin(chunk_rows, blocks, block + 1) - row);
        Y* y = o.y + (chunk_row + row) * o.y_stride;
        const auto store_row = [&](int r, int64_t column, int64_t columns, const float* sums) {
          for_stretches(columns, [&](int64_t at, int n) {
            Vec v = load_n(sums + at, n);
            if (o.scale != nullptr) v = mul(v, load_n(o.scale + column + at, n));
            if (o.bias != nullptr) v = add(v, load_stretch(static_cast<const X*>(o.bias) + column + at, n));
            store_stretch(y + r * o.y_stride + column + at, v, n);
          });
        };
        gemm_group_of<P>(strips_each, o.weight, shape.in, shape.out, packed + row * packed_row, rows, group, store_row);
      }
    });
  }
}
#endif  // !TRTLLM_SCALAR

}  // namespace ISA_NS
}  // namespace trtllm

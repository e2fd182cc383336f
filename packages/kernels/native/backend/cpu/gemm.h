#pragma once
#include "../../core/kernel.h"
#include "../../core/thread-pool.h"
#include "gemm-policy.h"
#include "panel.h"

// y[rows, out] = x * weight^T + bias over panel weights.
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
constexpr int strips_for(int rows) { return rows <= 2 ? 8 : rows <= 6 ? 4 : 2; }
#else
constexpr int kBlockRows = 6;
constexpr int strips_for(int rows) { return rows <= 1 ? 4 : rows <= 2 ? 2 : 1; }
#endif
constexpr int64_t kChunkRows = 16 * kBlockRows;
constexpr int64_t kPrefetchBytes = 16384;  // ahead of the tile, over all of its strips

struct GemmShape {
  int64_t rows, in, out;
};

// Bytes of packed activations, four a column at most.
TRTLLM_INLINE int64_t gemm_workspace_bytes(const GemmShape& shape) {
  const int64_t rows = shape.rows < kChunkRows ? shape.rows : kChunkRows;
  return rows * ((shape.in + 1) / 2 * 2) * 4;
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
  if constexpr (S == strips_for(1)) {
    switch (rows) { TRTLLM_TILE(1) }
  }
  if constexpr (S == strips_for(2)) {
    switch (rows) { TRTLLM_TILE(2) }
  }
  if constexpr (S == strips_for(6)) {
    switch (rows) { TRTLLM_TILE(3) TRTLLM_TILE(4) TRTLLM_TILE(5) TRTLLM_TILE(6) }
  }
#if TRTLLM_AVX512
  if constexpr (S == strips_for(12)) {
    switch (rows) {
      TRTLLM_TILE(6) TRTLLM_TILE(7) TRTLLM_TILE(8) TRTLLM_TILE(9) TRTLLM_TILE(10) TRTLLM_TILE(11) TRTLLM_TILE(12)
    }
  }
#endif
#undef TRTLLM_TILE
}

// Rows [first, first + rows) of x, step-major. Columns beyond `in` are zero.
template <class P, class X>
static void pack_block(const X* x, int64_t stride, int rows, int64_t in, typename P::Packed* packed) {
  const int64_t step_size = static_cast<int64_t>(rows) * P::kPackedPerRow;
  for (int r = 0; r < rows; r++) {
    for_stretches(in, [&](int64_t i, int n) {
      float lanes[kLanes];
      store(lanes, load_stretch(x + r * stride + i, n));
      const int padded = (n + P::kGroup - 1) / P::kGroup * P::kGroup;
      for (int k = 0; k < padded; k++) {
        packed[(i + k) / P::kGroup * step_size + P::place(r, static_cast<int>((i + k) % P::kGroup), rows)] = lanes[k];
      }
    });
  }
}

#if TRTLLM_AVX512_BF16
TRTLLM_INLINE void pack_pairs(const Bf16* x, int64_t stride, int rows, int64_t in, uint32_t* packed) {
  for (int64_t pair = 0; pair < in / 2; pair++) {
    for (int r = 0; r < rows; r++) memcpy(packed + pair * rows + r, x + r * stride + 2 * pair, 4);
  }
  if (in % 2 == 1) {
    for (int r = 0; r < rows; r++) packed[in / 2 * rows + r] = x[r * stride + in - 1].bits;
  }
}
template <>
void pack_block<Bf16PairPolicy, Bf16>(const Bf16* x, int64_t stride, int rows, int64_t in, uint32_t* packed) {
  pack_pairs(x, stride, rows, in, packed);
}
#endif

template <class X, class Y>
struct GemmOperands {
  const X* x;
  int64_t x_stride;
  const void* weight;  // panels
  const void* bias;    // of the type of x, or null
  Y* y;
  int64_t y_stride;
};

template <class P, int S, class X, class Y>
static void gemm_group(const GemmOperands<X, Y>& o, const GemmShape& shape, const typename P::Packed* packed,
                       int64_t first_row, int rows, int64_t group) {
  using W = typename P::Weight;
  constexpr int kStripsPerPanel = kPanelRows / P::kStrip;
  const int64_t steps = (shape.in + P::kGroup - 1) / P::kGroup;
  const int64_t panel_elements = steps * P::kGroup * kPanelRows;
  const int64_t last = panel_count(shape.out) * kStripsPerPanel - 1;
  const W* strips[S];
  for (int s = 0; s < S; s++) {
    int64_t strip = group * S + s;
    if (strip > last) strip = last;  // computed again and not stored
    strips[s] = static_cast<const W*>(o.weight) + strip / kStripsPerPanel * panel_elements +
                strip % kStripsPerPanel * P::kStrip * P::kGroup;
  }
  float tile[kBlockRows * S * P::kStrip];
  gemm_tile_rows<P, S>(rows, packed, strips, steps, tile);
  const int64_t column = group * S * P::kStrip;
  const int64_t columns = shape.out - column < S * P::kStrip ? shape.out - column : S * P::kStrip;
  for (int r = 0; r < rows; r++) {
    Y* y = o.y + (first_row + r) * o.y_stride + column;
    for_stretches(columns, [&](int64_t i, int n) {
      Vec v = load_n(tile + r * S * P::kStrip + i, n);
      if (o.bias != nullptr) v = add(v, load_stretch(static_cast<const X*>(o.bias) + column + i, n));
      store_stretch(y + i, v, n);
    });
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
        pack_block<P, X>(o.x + (chunk_row + row) * o.x_stride, o.x_stride, rows, shape.in, packed + row * packed_row);
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
        const Packed* a = packed + row * packed_row;
        switch (strips_each) {
          case 8: if constexpr (strips_for(1) == 8) gemm_group<P, 8>(o, shape, a, chunk_row + row, rows, group); break;
          case 4: gemm_group<P, 4>(o, shape, a, chunk_row + row, rows, group); break;
          case 2: gemm_group<P, 2>(o, shape, a, chunk_row + row, rows, group); break;
          default: if constexpr (strips_for(6) == 1) gemm_group<P, 1>(o, shape, a, chunk_row + row, rows, group); break;
        }
      }
    });
  }
}
#endif  // !TRTLLM_SCALAR

}  // namespace ISA_NS
}  // namespace trtllm

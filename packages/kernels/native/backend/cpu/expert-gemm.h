#pragma once
#include "expert-rows.h"
#include "gemm.h"

// y[p] = weight[expert of p] * row p over a stack of panel weights, row p being one of x by its place (expert-rows.h).
//
// Places go in waves of at most kWaveRows, a wave in segments of one expert, a segment in blocks of at most kBlockRows
// rows, as in gemm.h. All blocks of a wave are packed into the workspace; then every (expert, strip group, block) is one
// tile, and threads take these tiles whatever the expert: one token through eight experts and thousands through each
// keep all threads busy alike. Neighbouring tiles share a strip group's weights. Where outputs are gated, a wave's wait in
// the workspace as f32 until both halves are there. No sum is split: an element's bits depend on its row and its expert
// alone.
namespace trtllm {
namespace ISA_NS {

#if !TRTLLM_SCALAR
constexpr int64_t kWaveRows = 16 * kChunkRows / 3;

struct ExpertSegment {
  int64_t expert, first, rows;  // places [first, first + rows)
  int64_t blocks, strips, groups;
  int64_t first_block, first_tile;
};

struct ExpertWave {
  ExpertSegment* segments;
  int64_t count, rows, blocks, tiles;

  // The segment that holds block `index` (tile `index`).
  const ExpertSegment& of(int64_t ExpertSegment::* first, int64_t index) const {
    int64_t low = 0, high = count - 1;
    while (low < high) {
      const int64_t middle = (low + high + 1) / 2;
      if (segments[middle].*first <= index) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return segments[low];
  }
};

// Segments, outputs to be gated, packed rows.
template <class Args>
static int64_t expert_workspace_bytes(const Args& o) {
  const int64_t pairs = o.order.shape[0], rows = pairs < kWaveRows ? pairs : kWaveRows;
  const int64_t floats = (o.weight.shape[2] + 1) / 2 * 2 + (o.gate != 0 ? o.weight.shape[1] : 0);
  return rows * (static_cast<int64_t>(sizeof(ExpertSegment)) + 4 * floats);
}

// The segments of the next places, `expert` being the one that holds place `first`.
template <class P>
static ExpertWave next_wave(const int32_t* offsets, int64_t pairs, int64_t out, int64_t first, int64_t* expert,
                            ExpertSegment* segments) {
  ExpertWave wave{segments, 0, 0, 0, 0};
  const int64_t strips = panel_count(out) * (kPanelRows / P::kStrip);
  while (first < pairs && wave.rows < kWaveRows) {
    while (offsets[*expert + 1] <= first) ++*expert;
    int64_t rows = offsets[*expert + 1] - first;
    if (rows > kChunkRows) rows = kChunkRows;
    if (rows > kWaveRows - wave.rows) rows = kWaveRows - wave.rows;
    const int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
    const int64_t strips_each = strips_for(static_cast<int>(part_begin(rows, blocks, 1)));
    const int64_t groups = (strips + strips_each - 1) / strips_each;
    segments[wave.count++] = {*expert, first, rows, blocks, strips_each, groups, wave.blocks, wave.tiles};
    wave.rows += rows;
    wave.blocks += blocks;
    wave.tiles += blocks * groups;
    first += rows;
  }
  return wave;
}

template <class P, class T, class Args>
static void expert_gemm(const ExpertRows<T, Args>& rows, LaunchContext& context) {
  using Packed = typename P::Packed;
  const auto& o = rows.o;
  const int64_t pairs = o.order.shape[0], out = o.weight.shape[1], in = o.weight.shape[2];
  const int64_t packed_row = (in + P::kGroup - 1) / P::kGroup * P::kPackedPerRow;
  const int64_t weight_bytes = panel_bytes(o.weight.dtype, out, in);
  const int64_t held = pairs < kWaveRows ? pairs : kWaveRows;
  auto* segments = static_cast<ExpertSegment*>(context.workspace);
  auto* outputs = reinterpret_cast<float*>(segments + held);
  auto* packed = reinterpret_cast<Packed*>(outputs + (rows.is_gated() ? held * out : 0));
  int64_t expert = 0, first = 0;
  while (first < pairs) {
    const ExpertWave wave = next_wave<P>(o.offsets.template as<int32_t>(), pairs, out, first, &expert, segments);
    const int64_t wave_first = first;
    context.pool->for_each(wave.blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; b++) {
        const ExpertSegment& s = wave.of(&ExpertSegment::first_block, b);
        const int64_t row = s.first + part_begin(s.rows, s.blocks, b - s.first_block);
        const int64_t next = s.first + part_begin(s.rows, s.blocks, b - s.first_block + 1);
        pack_block<P>([&](int r) { return rows.x(row + r); }, static_cast<int>(next - row), in,
                      packed + (row - wave_first) * packed_row);
      }
    });
    context.pool->for_each(wave.tiles, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const ExpertSegment& s = wave.of(&ExpertSegment::first_tile, i);
        const int64_t block = (i - s.first_tile) % s.blocks, group = (i - s.first_tile) / s.blocks;
        const int64_t row = s.first + part_begin(s.rows, s.blocks, block);
        const int64_t next = s.first + part_begin(s.rows, s.blocks, block + 1);
        const char* weight = o.weight.template as<char>() + s.expert * weight_bytes;
        const auto store_row = [&](int r, int64_t column, int64_t columns, const float* sums) {
          if (rows.is_gated()) {
            rows.finish(s.expert, row + r, column, columns, sums, outputs + (row + r - wave_first) * out + column);
          } else {
            rows.finish(s.expert, row + r, column, columns, sums, row_of<T>(o.y, row + r) + column);
          }
        };
        gemm_group_of<P>(static_cast<int>(s.strips), weight, in, out, packed + (row - wave_first) * packed_row,
                         static_cast<int>(next - row), group, store_row);
      }
    });
    if (rows.is_gated()) {
      context.pool->for_each(wave.rows, row_grain(out), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++) rows.gate(wave_first + r, outputs + r * out);
      });
    }
    first += wave.rows;
  }
}
#endif  // !TRTLLM_SCALAR

}  // namespace ISA_NS
}  // namespace trtllm

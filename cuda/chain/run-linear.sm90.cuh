#pragma once
#include <gemm/stream-parts.cuh>
#include <trtllm/activations.cuh>
#include <trtllm/ptx/copy-ahead.sm80.cuh>
#include <trtllm/ptx/shared-load.cuh>

#include "link-input.cuh"

// A linear of a chain, by the consumers of a block. A tile is kTileColumns columns of y; its weight rows come through the ring,
// a chunk of each a stage. Each warp multiplies its pieces on tensor cores: lane (g, t) reads 16 bytes of weight rows g and g + 8,
// and the same k of x, which is all columns of the other operand (one would do). The warps' sums of up to kBatchTiles tiles meet
// in shared memory. PERF: x is read once for all tiles of a group: with each tile it cost as much of shared memory as the weight.
// Numerics: products are exact, 8-bit weights being exact in f16; f32 sums: of a warp's pieces of a chunk, in four interleaved
// parts, then over chunks, then over warps, all in order.
namespace trtllm::cuda {

constexpr int kMostPieces = kChainChunk / 64 / kChainWarps, kChainSums = 4;

// One warp's x of a chunk: of each piece 16 bytes of M for one of W.
template <class W>
struct ChunkInput {
  static constexpr int kPacks = 2 / sizeof(W);
  uint4 at[kMostPieces][kPacks];

  // `from`: the warp's first piece, this lane's first bytes. Pieces that the warp lacks are zeros.
  __device__ __forceinline__ void load(uint32_t from, int pieces) {
#pragma unroll
    for (int i = 0; i < kMostPieces; i++) {
#pragma unroll
      for (int n = 0; n < kPacks; n++) at[i][n] = i < pieces ? load_shared(from + i * (64 * kPacks) + n * 16) : uint4{0, 0, 0, 0};
    }
  }
};

// One warp's weight of a stage, as above.
template <class W>
struct StageWeight {
  uint4 at[kMostPieces][2];

  // PERF: without conditions where there are all pieces, so that all are on their way at once.
  __device__ __forceinline__ void load(uint32_t from, int pieces) {
    const auto load_all = [&](int there) {
#pragma unroll
      for (int i = 0; i < kMostPieces; i++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
          at[i][half] = i < there ? load_shared(from + half * (kTileColumns / 2) * kChainPitch + i * 64) : uint4{0, 0, 0, 0};
        }
      }
    };
    if (pieces == kMostPieces) {
      load_all(kMostPieces);
    } else {
      load_all(pieces);
    }
  }

  // Sums of rows g and g + 8.
  template <class M>
  __device__ __forceinline__ float2 times(const ChunkInput<W>& x, M) const {
    constexpr int kPairs = 16 / sizeof(W) / 2;
    float sums[kChainSums][4] = {};
#pragma unroll
    for (int i = 0; i < kMostPieces; i++) {
      const Words<kPairs> low = pairs_of<M, W, 2 * kPairs>(&at[i][0]), high = pairs_of<M, W, 2 * kPairs>(&at[i][1]);
      const uint32_t* words = reinterpret_cast<const uint32_t*>(x.at[i]);
#pragma unroll
      for (int k = 0; k < kPairs / 2; k++) {
        const uint32_t a[4] = {low.at[2 * k], high.at[2 * k], low.at[2 * k + 1], high.at[2 * k + 1]}, b[2] = {words[2 * k], words[2 * k + 1]};
        mma_16x8x16(sums[(i * (kPairs / 2) + k) % kChainSums], a, b, M());
      }
    }
    return float2{(sums[0][0] + sums[1][0]) + (sums[2][0] + sums[3][0]), (sums[0][2] + sums[1][2]) + (sums[2][2] + sums[3][2])};
  }
};

// What becomes of one column of a tile, by one thread. PERF: found before the weight is multiplied, for what it reads may be far away.
template <class T>
struct ColumnEnd {
  float scale, bias = 0;
  LinkGate gate;
  T *handed = nullptr, *result = nullptr;
  float* f32_result = nullptr;

  // Also clears what the launch before handed over.
  template <class W>
  __device__ __forceinline__ void find(const LinearLink& l, const ChainBlock& block, int tile, int column, bool exists, W) {
    gate = l.gate;
    scale = 1;
    if (!exists) return;
    const int row = row_of_tile(gate != LinkGate::none, l.out, tile, column);
    if constexpr (sizeof(W) == 1) scale = l.weight_scale[row];
    if (l.bias != nullptr) bias = to_f32(static_cast<const T*>(l.bias)[row]);
    if (gate != LinkGate::none && column >= kTileColumns / 2) return;
    if (l.y.at != 0) {
      handed = block.now<T>(l.y) + row;
      clear_handed(block.before<T>(l.y) + row);
    }
    if (l.result == nullptr) return;
    if (l.f32_result) {
      f32_result = static_cast<float*>(l.result) + row;
    } else {
      result = static_cast<T*>(l.result) + row;
    }
  }

  // Called by whole warps: lanes next to each other have the columns of a tile.
  __device__ __forceinline__ void store(float sum) const {
    sum = fmaf(sum, scale, bias);
    if (gate != LinkGate::none) {
      const float other = to_f32(from_f32<T>(__shfl_down_sync(kFullWarp, sum, kTileColumns / 2))), own = to_f32(from_f32<T>(sum));
      sum = (gate == LinkGate::silu ? silu(own) : gelu_tanh(own)) * other;
    }
    if (handed != nullptr) hand_over(handed, from_f32<T>(sum));
    if (result != nullptr) *result = from_f32<T>(sum);
    if (f32_result != nullptr) *f32_result = sum;
  }
};

template <class T, class M, class W>
__device__ __forceinline__ void run_linear(const LinearLink& l, ChainBlock& block) {
  static_assert(kBatchTiles * kTileColumns <= kChainConsumers && kBatchTiles % kGroupTiles == 0);
  constexpr int kRatio = sizeof(M) / sizeof(W);
  const RowCut cut(l.in * static_cast<int>(sizeof(W)));
  if (!l.input.same) load_input<T, M, kRatio>(l.input, cut, l.in, block);
  ChainShared& shared = chain_shared();
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
  const int tiles = l.tiles, step = static_cast<int>(gridDim.x);
  const uint32_t ring_at = chain_address(block.ring()) + g * kChainPitch + t * 16, x_at = chain_address(block.x()) + t * (16 * kRatio);
  const int begin = first_tile_of_block(l);
  const float from_factor = 1.0f / block.input_factor;
  if (begin >= tiles) {  // links are counted by meetings
    wait_for_copies();
    meet_consumers();
  }
  for (int first = begin; first < tiles; first += step * kBatchTiles) {
    float(&parts)[kBatchTiles][kPartStride] = shared.parts[block.parts_buffer];
    block.parts_buffer ^= 1;
    const int own_tile = first + static_cast<int>(threadIdx.x) / kTileColumns * step, column = threadIdx.x % kTileColumns;
    const bool finishes = threadIdx.x < kBatchTiles * kTileColumns, exists = finishes && own_tile < tiles;
    ColumnEnd<T> end;
    end.find(l, block, own_tile, column, exists, W());
    for (int group = 0; group < kBatchTiles && first + group * step < tiles; group += kGroupTiles) {
      for (int at = 0; at < cut.row_bytes; at += cut.chunk_bytes) {
        const WarpPieces pieces(cut, at);
        ChunkInput<W> x;
        x.load(x_at + (at + pieces.first * 64) * kRatio, pieces.count);
#pragma unroll 1
        for (int n = group; n < group + kGroupTiles && first + n * step < tiles; n++) {
          wait_phase(&shared.full[block.stage], block.parity);
          StageWeight<W> weight;
          weight.load(ring_at + block.stage * kChainStageBytes + pieces.first * 64, pieces.count);
          __syncwarp();
          if (lane == 0) arrive(&shared.empty[block.stage]);
          if (++block.stage == block.p.stages) block.stage = 0, block.parity ^= 1;
          float* part = &parts[n][warp * kTileColumns + g];
          const float2 before = at > 0 ? float2{part[0], part[kTileColumns / 2]} : float2{0, 0};
          const float2 sums = weight.times(x, M());
          if (t == 0) part[0] = fmaf(sums.x, from_factor, before.x), part[kTileColumns / 2] = fmaf(sums.y, from_factor, before.y);
        }
      }
    }
    wait_for_copies();  // of links to come
    meet_consumers();
    if (!finishes) continue;  // whole warps
    float sum = 0;
#pragma unroll
    for (int w = 0; w < kChainWarps; w++) sum += exists ? parts[threadIdx.x / kTileColumns][w * kTileColumns + column] : 0.0f;
    end.store(sum);
  }
}

}  // namespace trtllm::cuda

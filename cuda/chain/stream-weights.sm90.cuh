#pragma once
#include "chain-block.cuh"

// The producer warp of a chain's block: copies the block's tiles of all weights of the chain into the ring, one after the
// other, whatever the consumers wait for. At most `flight` stages are on their way at a time: more would only stand in line
// in front of L2, and what links hand over would stand behind them.
namespace trtllm::cuda {

__device__ __forceinline__ void stream_weights(const ChainProgram& p) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  const int lane = threadIdx.x & 31, step = static_cast<int>(gridDim.x);
  ChainShared& shared = chain_shared();
  int stage = 0, landing = 0, on_their_way = 0;
  uint32_t parity = 1, landing_parity = 0;
  const uint64_t policy = read_once_policy();
  const auto copy_stage = [&](const unsigned char* row, int bytes) {
    if (on_their_way == p.flight) {
      wait_phase(&shared.full[landing], landing_parity);
      if (++landing == p.stages) landing = 0, landing_parity ^= 1;
    } else {
      on_their_way++;
    }
    wait_phase(&shared.empty[stage], parity);
    if (lane == 0) arrive_expecting(&shared.full[stage], bytes * kTileColumns);
    __syncwarp();
    if (lane < kTileColumns) {
      copy_bytes(chain_memory + p.ring_offset + stage * kChainStageBytes + lane * kChainPitch, row, &shared.full[stage], bytes, policy);
    }
    if (++stage == p.stages) stage = 0, parity ^= 1;
  };
  for (int i = 0; i < p.num_links; i++) {
    if (p.links[i].kind != LinkKind::linear) continue;
    const LinearLink& l = p.links[i].linear;
    const RowCut cut(l.in * (l.weight_kind == LinkWeight::floats ? 2 : 1));
    const unsigned char* weight = static_cast<const unsigned char*>(l.weight);
    const int64_t row_bytes = l.row_bytes;
    const int tiles = l.tiles, out = l.out;
    const bool is_gated = l.gate != LinkGate::none;
    for (int first = first_tile_of_block(l); first < tiles; first += kGroupTiles * step) {
      for (int at = 0; at < cut.row_bytes; at += cut.chunk_bytes) {
        for (int tile = first, n = 0; tile < tiles && n < kGroupTiles; tile += step, n++) {
          copy_stage(weight + row_of_tile(is_gated, out, tile, lane & (kTileColumns - 1)) * row_bytes + at, cut.bytes_at(at));
        }
      }
    }
  }
#endif
}

}  // namespace trtllm::cuda

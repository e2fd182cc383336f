#pragma once
#include "link.h"

// How a chain's block divides its shared memory: ChainShared, the residual, x of a linear or an attention's scratch, the ring.
namespace trtllm::cuda {

constexpr int kChainWarps = 8, kChainConsumers = kChainWarps * 32, kChainThreads = kChainConsumers + 128;
constexpr int kPipelinedLinks = 4;
constexpr int kMaxChainStages = 32, kBatchTiles = 8, kGroupTiles = 4, kPartStride = kChainWarps * kTileColumns + 8;

// A stage holds up to kChainChunk bytes of kTileColumns rows of a weight; 64 bytes between rows keep reads of two rows in
// different banks.
constexpr int kChainChunk = 2048, kChainPitch = kChainChunk + 64, kChainStageBytes = kTileColumns * kChainPitch;

struct ChainShared {
  uint64_t full[kMaxChainStages], empty[kMaxChainStages];
  Link links[kPipelinedLinks];
  float sums[2][kChainWarps];
  float cosine[kMaxRotaryTables][kMaxChainHalf], sine[kMaxRotaryTables][kMaxChainHalf];
  alignas(16) float parts[2][kBatchTiles][kPartStride];
};
constexpr int kChainSharedBytes = (static_cast<int>(sizeof(ChainShared)) + 127) / 128 * 128;

// An attention's scratch: queries [kPartHeads][head_dim + 32], of 16 bits (eight rows, read 64 bytes at a time, lie in different
// banks); the new key and value; the warps' best scores and sums of weights, two f32 for each head; their outputs, f32.
constexpr int attention_queries_bytes(int head_dim) { return kPartHeads * (head_dim + 32) * 2; }
constexpr int attention_scratch_bytes(int head_dim, int part_heads) {
  return attention_queries_bytes(head_dim) + 2 * head_dim * 2 + kChainWarps * kPartHeads * 8 + kChainWarps * part_heads * head_dim * 4;
}

}  // namespace trtllm::cuda

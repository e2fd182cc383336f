#pragma once
#include <attention/base-two-softmax.cuh>
#include <attention/paged-attention.cuh>

#include "chain-block.cuh"

// Tokens of a sequence as an attention of a chain reads them: where they are, and sixteen of them as operands of tensor cores.
namespace trtllm::cuda {

template <class T, int kDim>
struct AttentionScratch {
  static constexpr int kRowStride = kDim + 32, kQueryBytes = attention_queries_bytes(kDim), kFreshBytes = 2 * kDim * 2;
  static constexpr int kMassBytes = kChainWarps * kPartHeads * 8;

  T* queries;      // [kPartHeads][kRowStride], rotated
  T* fresh;        // key and value of the new token, [2][kDim]
  float2* masses;  // best score and sum of weights, [kChainWarps][kPartHeads]
  float* outputs;  // [kChainWarps][part heads][kDim]

  __device__ __forceinline__ explicit AttentionScratch(unsigned char* memory)
      : queries(reinterpret_cast<T*>(memory)),
        fresh(reinterpret_cast<T*>(memory + kQueryBytes)),
        masses(reinterpret_cast<float2*>(memory + kQueryBytes + kFreshBytes)),
        outputs(reinterpret_cast<float*>(memory + kQueryBytes + kFreshBytes + kMassBytes)) {}
};

// What is known of the sequence before q is.
struct AttentionSpan {
  int64_t slot, fresh_slot;
  int context, fresh, first;  // tokens [first, context) are seen; `fresh` is the new one's position
  int first_group, groups;    // of 16 tokens
  int splits, groups_a_split;

  __device__ __forceinline__ explicit AttentionSpan(const AttentionLink& l) {
    slot = *l.seq_slot, fresh_slot = *l.token_slot;
    fresh = *l.position;
    context = l.seq_start[1] - l.seq_start[0] == 1 && slot >= 0 && slot < l.slots ? *l.seq_context : 0;
    if (context > l.columns * 32) context = static_cast<int>(l.columns * 32);
    if (context < 0) context = 0;
    first = static_cast<int>(first_visible(context - 1, l.window));
    first_group = first / 16;
    groups = (context + 15) / 16 - first_group;
    splits = (groups + kChainWarps - 1) / kChainWarps;
    splits = splits < 1 ? 1 : splits < l.max_splits ? splits : l.max_splits;
    groups_a_split = (groups + splits - 1) / splits;
    splits = groups_a_split > 0 ? (groups + groups_a_split - 1) / groups_a_split : 1;
  }
};

template <class T>
__device__ __forceinline__ T* token_row(const AttentionLink& l, int64_t slot, int64_t token, int part, int head) {
  if (slot < 0 || slot >= l.slots || token < 0 || token >= l.columns * 32) return nullptr;
  const int64_t page = l.table[slot * l.table_stride + token / 32];
  if (page < 0 || page >= l.num_pages) return nullptr;
  return static_cast<T*>(l.cache) + page * l.page_stride + part * l.part_stride + head * l.head_stride;
}

// Sixteen tokens. Lane (g, t): pieces t, t + 4, ... of 16 bytes of the keys of tokens g and g + 8; pieces g, g + 8, ... of the
// values of tokens 2t, 2t + 1, 2t + 8 and 2t + 9.
template <class T, int kDim>
struct TokenGroup {
  uint4 keys[2][kDim / 32], values[4][kDim / 64];

  static __device__ __forceinline__ int key_token(int i) { return ((threadIdx.x & 31) >> 2) + 8 * i; }
  static __device__ __forceinline__ int value_token(int i) { return 2 * (threadIdx.x & 3) + (i & 1) + 8 * (i >> 1); }

  // Tokens outside [begin, end) and the new one are zeros.
  __device__ __forceinline__ void load(const AttentionLink& l, const AttentionSpan& span, int token, int end, int kv_head) {
    const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
    const T *key = token_row<T>(l, span.slot, token, 0, kv_head), *value = token_row<T>(l, span.slot, token, 1, kv_head);
    const auto is_read = [&](int n) { return key != nullptr && token + n < end && !is_fresh(span, token + n); };
    const int at = token % 32;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int n = key_token(i);
#pragma unroll
      for (int b = 0; b < kDim / 32; b++) {
        keys[i][b] = is_read(n) ? *reinterpret_cast<const uint4*>(key + (at + n) * kDim + b * 32 + t * 8) : uint4{0, 0, 0, 0};
      }
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int n = value_token(i);
#pragma unroll
      for (int b = 0; b < kDim / 64; b++) {
        values[i][b] = is_read(n) ? *reinterpret_cast<const uint4*>(value + (at + n) * kDim + b * 64 + g * 8) : uint4{0, 0, 0, 0};
      }
    }
  }

  static __device__ __forceinline__ bool is_fresh(const AttentionSpan& span, int token) {
    return token == span.fresh && span.slot == span.fresh_slot;
  }

  __device__ __forceinline__ void put_fresh(const AttentionSpan& span, int token, int end, const T* fresh) {
    const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      if (token + key_token(i) >= end || !is_fresh(span, token + key_token(i))) continue;
#pragma unroll
      for (int b = 0; b < kDim / 32; b++) keys[i][b] = *reinterpret_cast<const uint4*>(fresh + b * 32 + t * 8);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
      if (token + value_token(i) >= end || !is_fresh(span, token + value_token(i))) continue;
#pragma unroll
      for (int b = 0; b < kDim / 64; b++) values[i][b] = *reinterpret_cast<const uint4*>(fresh + kDim + b * 64 + g * 8);
    }
  }
};

}  // namespace trtllm::cuda

#pragma once
#include "attention-warp.cuh"

// The attention of one query, by the consumers of a few blocks: an item is up to kPartHeads heads that share a kv head, and a
// split of the context. A warp takes 16 tokens at a time, keys and values straight from memory into operands of tensor cores: scores
// are keys (16 tokens) x queries (8 heads); outputs are values (16 dims, which is their rows in an order of our choice) x weights.
// The first 16 tokens of each warp are asked for before the block waits for q. The new key and value do not take the way
// through the cache: they are in shared memory, and one item writes them to the page.
// Shared memory (ChainBlock::x()): AttentionScratch. Numerics: scores and online softmax in f32 (base 2), weights rounded to T for
// the second product, f32 sums; warps are joined in order, then splits in order.
namespace trtllm::cuda {

// A part of a kv head, and what a block does of it: its split of the context, its slice of the outputs (pairs of dims).
struct AttentionItem {
  int side, kv_head, first_head, heads, split, splits;
  int begin_pair, end_pair;

  __device__ __forceinline__ AttentionItem(const AttentionLink& l, const AttentionSpan& span, int item, int head_dim) {
    const int group = l.heads / l.kv_heads;
    splits = span.splits, split = item % splits, side = item / splits;
    kv_head = side / l.parts, first_head = kv_head * group + side % l.parts * kPartHeads;
    const int rest = (kv_head + 1) * group - first_head;
    heads = rest < kPartHeads ? rest : kPartHeads;
    begin_pair = heads * head_dim / 2 * split / splits, end_pair = heads * head_dim / 2 * (split + 1) / splits;
  }
  // Of a split's pieces: the first head's.
  __device__ __forceinline__ int64_t piece(const AttentionLink& l, int of_split) const {
    return (static_cast<int64_t>(side) * l.max_splits + of_split) * kPartHeads;
  }
};

// What this block handed over two launches ago, and of splits that there are no more.
template <class T, int kDim>
__device__ __forceinline__ void clear_item(const AttentionLink& l, const ChainBlock& block, const AttentionItem& item) {
  T* y = block.before<T>(l.y) + item.first_head * kDim;
  for (int i = item.begin_pair + static_cast<int>(threadIdx.x); i < item.end_pair; i += kChainConsumers) clear_handed_pair(y + 2 * i);
  for (int s = item.split; s < l.max_splits; s += item.splits) {
    float *values = block.before<float>(l.values) + item.piece(l, s) * kDim, *masses = block.before<float>(l.masses) + item.piece(l, s) * 2;
    for (int i = threadIdx.x; i < item.heads * kDim / 2; i += kChainConsumers) clear_handed_pair(values + 2 * i);
    if (threadIdx.x < item.heads) clear_handed_pair(masses + threadIdx.x * 2);
  }
}

// Two neighbouring dims of a head.
template <class T, int kDim>
__device__ __forceinline__ void finish_pair(const AttentionLink& l, const ChainBlock& block, const AttentionItem& item, int pair, float top,
                                            float total, float2 sum) {
  const int head = item.first_head + 2 * pair / kDim, at = item.first_head * kDim + 2 * pair;
  if (l.sinks != nullptr) total += fast_exp2(l.sinks[head] * kLog2E - top);
  const uint32_t y = two_words(weighted_mean(sum.x, total), weighted_mean(sum.y, total), T());
  hand_over_pair(block.now<T>(l.y) + at, y);
  if (l.result != nullptr) *reinterpret_cast<uint32_t*>(static_cast<T*>(l.result) + at) = y;
}

// The sums of the block's warps, in order.
template <class T, int kDim>
__device__ __forceinline__ void join_warps(const AttentionLink& l, const ChainBlock& block, const AttentionItem& item,
                                           const AttentionScratch<T, kDim>& scratch, int warps) {
  for (int pair = threadIdx.x; pair < item.heads * kDim / 2; pair += kChainConsumers) {
    const int head = 2 * pair / kDim;
    float2 mass[kChainWarps], part[kChainWarps];
    float top = -__builtin_inff(), total = 0;
#pragma unroll
    for (int w = 0; w < kChainWarps; w++) {
      mass[w] = w < warps ? scratch.masses[w * kPartHeads + head] : float2{-__builtin_inff(), 0.0f};
      part[w] = w < warps ? *reinterpret_cast<const float2*>(scratch.outputs + w * item.heads * kDim + 2 * pair) : float2{0.0f, 0.0f};
      top = fmaxf(top, mass[w].x);
    }
    float2 sum{0, 0};
#pragma unroll
    for (int w = 0; w < kChainWarps; w++) {
      const float share = share_of(mass[w].x, top);
      total = fmaf(mass[w].y, share, total);
      sum = float2{fmaf(part[w].x, share, sum.x), fmaf(part[w].y, share, sum.y)};
    }
    if (item.splits == 1) {
      finish_pair<T, kDim>(l, block, item, pair, top, total, sum);
    } else {
      hand_over_pair(block.now<float>(l.values) + item.piece(l, item.split) * kDim + 2 * pair, sum.x, sum.y);
      if (2 * pair % kDim == 0) hand_over_pair(block.now<float>(l.masses) + (item.piece(l, item.split) + head) * 2, top, total);
    }
  }
}

// The sums of all splits, in order: each of their blocks joins its slice of the outputs.
template <class T, int kDim>
__device__ __forceinline__ void join_splits(const AttentionLink& l, const ChainBlock& block, const AttentionItem& item,
                                            const AttentionScratch<T, kDim>& scratch) {
  const float *values = block.now<float>(l.values) + item.piece(l, 0) * kDim, *masses = block.now<float>(l.masses) + item.piece(l, 0) * 2;
  float2* known = reinterpret_cast<float2*>(scratch.queries);  // which nobody reads any more
  static_assert(kMaxSplits * kPartHeads * 8 <= AttentionScratch<T, kDim>::kQueryBytes && kMaxSplits * kPartHeads <= kChainConsumers);
  const int own = threadIdx.x;
  uint2 bits[kMaxSplits];
  const int first = item.begin_pair + static_cast<int>(threadIdx.x);
  const float* value = values + 2 * (first < item.end_pair ? first : item.begin_pair);
#pragma unroll
  for (int s = 0; s < kMaxSplits; s++) {
    if (s < item.splits) bits[s] = read_exchanged_pair(value + s * kPartHeads * kDim);
  }
  const bool has_mass = own < item.splits * kPartHeads && own % kPartHeads < item.heads;
  uint2 mass_bits = has_mass ? read_exchanged_pair(masses + own * 2) : uint2{0, 0};
  if (has_mass) known[own] = await_pair(masses + own * 2, mass_bits);
  meet_consumers();
  for (int pair = first; pair < item.end_pair; pair += kChainConsumers) {
    const int head = 2 * pair / kDim;
    value = values + 2 * pair;
    float top = -__builtin_inff(), total = 0;
    float2 sum{0, 0};
#pragma unroll
    for (int s = 0; s < kMaxSplits; s++) {
      if (s < item.splits) top = fmaxf(top, known[s * kPartHeads + head].x);
    }
#pragma unroll
    for (int s = 0; s < kMaxSplits; s++) {
      if (s >= item.splits) break;
      const float2 mass = known[s * kPartHeads + head];
      const float* at = value + s * kPartHeads * kDim;
      const float2 part = await_pair(at, pair == first ? bits[s] : read_exchanged_pair(at));
      const float share = share_of(mass.x, top);
      total = fmaf(mass.y, share, total);
      sum = float2{fmaf(part.x, share, sum.x), fmaf(part.y, share, sum.y)};
    }
    finish_pair<T, kDim>(l, block, item, pair, top, total, sum);
  }
}

// The new token goes to its page once: from the split that has it, or the first where none has.
template <class T, int kDim>
__device__ __forceinline__ void write_fresh(const AttentionLink& l, const AttentionSpan& span, const AttentionItem& item,
                                            const AttentionScratch<T, kDim>& scratch, int first_token, int end_token) {
  const bool is_seen = span.slot == span.fresh_slot && span.fresh >= span.first_group * 16 && span.fresh < span.context;
  const bool is_here = is_seen ? span.fresh >= first_token && span.fresh < end_token : item.split == 0;
  if (!is_here || item.side % l.parts != 0 || threadIdx.x >= kDim / 4) return;
  const int part = threadIdx.x / (kDim / 8), at = threadIdx.x % (kDim / 8) * 8;
  T* row = token_row<T>(l, span.fresh_slot, span.fresh, part, item.kv_head);
  if (row != nullptr) *reinterpret_cast<uint4*>(row + span.fresh % 32 * kDim + at) = *reinterpret_cast<const uint4*>(scratch.fresh + part * kDim + at);
}

template <class T, int kDim>
__device__ __forceinline__ void run_item(const AttentionLink& l, const ChainBlock& block, const AttentionSpan& span, const AttentionItem& item) {
  AttentionScratch<T, kDim> scratch(block.x());
  const int warp = threadIdx.x >> 5;
  const int begin = item.split * span.groups_a_split, left = span.groups - begin, count = left < span.groups_a_split ? left : span.groups_a_split;
  const auto token_of = [&](int i) { return (span.first_group + begin + i) * 16; };
  TokenGroup<T, kDim> group;
  if (warp < count) group.load(l, span, token_of(warp), span.context, item.kv_head);
  clear_item<T, kDim>(l, block, item);
  const RotaryStep* step = l.rotary >= 0 ? block.p.rotary + l.rotary : nullptr;
#pragma unroll 1
  for (int i = warp; i < item.heads + 2; i += kChainWarps) {
    const bool is_query = i < item.heads, is_key = i == item.heads;
    const uint16_t* from = is_query ? block.now<uint16_t>(l.q) + (item.first_head + i) * kDim : block.now<uint16_t>(is_key ? l.k : l.v) + item.kv_head * kDim;
    T* to = is_query ? scratch.queries + i * AttentionScratch<T, kDim>::kRowStride : scratch.fresh + (is_key ? 0 : kDim);
    prepare_head<T, kDim>(l, is_query || is_key ? step : nullptr, from, is_query ? l.q_norm : is_key ? l.k_norm : nullptr, to);
  }
  meet_consumers();
  WarpSoftmax<T, kDim> softmax;
#pragma unroll 1
  for (int i = warp; i < count; i += kChainWarps) {
    if (i != warp) group.load(l, span, token_of(i), span.context, item.kv_head);
    group.put_fresh(span, token_of(i), span.context, scratch.fresh);
    softmax.take(l, span, group, token_of(i), span.context, scratch.queries);
  }
  const int warps = count < kChainWarps ? count : kChainWarps;
  if (warp < warps) softmax.leave(scratch, item.heads);
  meet_consumers();
  join_warps<T, kDim>(l, block, item, scratch, warps);
  if (item.splits > 1) join_splits<T, kDim>(l, block, item, scratch);
  write_fresh<T, kDim>(l, span, item, scratch, token_of(0), token_of(count));
}

template <class T, int kDim>
__device__ __forceinline__ void run_attention(const AttentionLink& l, const ChainBlock& block) {
  const AttentionSpan span(l);
  const int items = l.kv_heads * l.parts * span.splits;
  for (int i = blockIdx.x; i < items; i += static_cast<int>(gridDim.x)) {
    run_item<T, kDim>(l, block, span, AttentionItem(l, span, i, kDim));
    meet_consumers();
  }
}

}  // namespace trtllm::cuda

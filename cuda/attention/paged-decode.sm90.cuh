#pragma once
#include "decode-page.sm90.cuh"
#include "decode-pieces.cuh"
#include "decode-ring.sm90.cuh"

// softmax(scale * q k^T) v for single queries (decode) on tensor cores, f16 and bf16 queries over pages of their own type or
// of f8, head sizes 64, 128 and 256 (sm_90). One block a multiprocessor, of kWarps warps that share nothing but its end: each
// streams an equal stretch of the step's pages (decode-work.cuh) through its own ring (decode-ring.sm90.cuh), keeps maxima,
// sums and outputs of one item at a time in registers, and writes an item's result when it has seen all its pages. Items that
// several warps share are pieces, joined at the block's end and by paged_join_pieces_kernel (decode-pieces.cuh).
// Shared memory: kWarps rings of kBoxes boxes, 1,024-byte aligned; queued segments, pending pieces, sums of 32 sequences.
// Numerics: scores and online softmax in f32 (base 2), weights rounded to M for the second product, f32 sums; f8 keys and
// values become f16, exactly, and so do queries over them. A step gives the same bits each time; where an item is split
// depends on the other sequences of the step.
namespace trtllm::cuda {

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

// Writes an item's result, or leaves its piece.
template <class T, class Page, int kDim>
__device__ __forceinline__ void finish_segment(const AttentionOperands& o, const DecodePieces& pieces, int32_t first_piece, const DecodeSegment& segment,
                                               const float (&sums)[kDim / 8][4], const float (&best)[2], const float (&total)[2],
                                               DecodePending (&pending)[2], T* y) {
  const int lane = threadIdx.x & 31, g = lane >> 2;
  const bool is_whole = segment.begins && segment.ends;
  const int slot = segment.begins ? 1 : 0;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    float mass = total[half];
    mass += __shfl_xor_sync(kFullWarp, mass, 1);
    mass += __shfl_xor_sync(kFullWarp, mass, 2);
    const int row = g + 8 * half;
    if (row >= segment.num_rows) continue;
    const float top = best[half] * (o.softcap > 0 ? 1.0f : o.scale);
    if (is_whole) {
      const float all = mass + sink_weight(o, segment.first_head + row, top), factor = all == 0 ? 0.0f : o.value_scale / all;
      T* to = y + segment.token * o.y_stride + (segment.first_head + row) * o.y_head;
      Page::each_run(sums, half, [&](int column, auto... run) { store_run(to + column, run * factor...); });
    } else {
      const int64_t at = static_cast<int64_t>(first_piece + slot) * pieces.rows + row;
      Page::each_run(sums, half, [&](int column, auto... run) { store_run(pieces.values + at * kDim + column, run...); });
      if ((lane & 3) == 0) pieces.masses[at] = float2{top, mass};
    }
  }
  if (!is_whole && lane == 0) {
    pending[slot] = DecodePending{segment.item, segment.token, segment.first_head, segment.num_rows, true, segment.begins, segment.ends};
  }
}

template <class T, class M, class C, int kDim, int kWarps, class Pages>
__device__ __forceinline__ void stream_stretch(const AttentionOperands& o, const DecodePieces& pieces,
                                               DecodeRequests<C, kDim, kWarps, Pages>& requests,
                                               DecodeWarp<DecodeRing<C, kDim, kWarps>::kBoxes>& own, uint32_t boxes, DecodePending (&pending)[2],
                                               const T* q, T* y) {
  using Ring = DecodeRing<C, kDim, kWarps>;
  using Page = DecodePage<M, C, kDim, Ring>;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, t = lane & 3;
  const int32_t first_piece = (static_cast<int32_t>(blockIdx.x) * kWarps + warp) * 2;
  const float factor = (o.softcap > 0 ? 1.0f : o.scale) * kLog2E;
  int asked = 0, stage = 0;
  uint32_t phase = 0;
  // Asks for `count` boxes in the places of those that were read last.
  const auto ask = [&](int count) {
    __syncwarp();
#pragma unroll 1
    for (int i = 0; i < count; i++) {
      requests.ask(asked);
      if (++asked == Ring::kBoxes) asked = 0;
    }
  };
  const auto wait = [&]() -> uint32_t {
    wait_phase(&own.full[stage], phase);
    const uint32_t box = boxes + stage * Ring::kBoxBytes;
    if (++stage == Ring::kBoxes) stage = 0, phase ^= 1;
    return box;
  };
  ask(Ring::kBoxes);
#pragma unroll 1
  for (int taken = 0; taken < requests.queued(); taken++) {
    const DecodeSegment segment = own.segments[taken % kQueuedSegments];
    uint32_t queries[kDim / 16][4];
    Page::load_queries(queries, o, segment, q);
    float best[2] = {-__builtin_inff(), -__builtin_inff()}, total[2] = {0, 0};
    float sums[kDim / 8][4] = {};
#pragma unroll 1
    for (int32_t column = segment.begin; column < segment.end; column++) {
      const int low = segment.first > column * 32 ? segment.first - column * 32 : 0;
      const int high = segment.position - column * 32 < 31 ? segment.position - column * 32 : 31;
      float scores[4][4] = {};
#pragma unroll
      for (int block = 0; block < Ring::kBlocks; block++) Page::score(scores, queries, wait(), block);
      ask(Ring::kBlocks);
      if (o.softcap > 0) {
#pragma unroll
        for (int i = 0; i < 16; i++) scores[i / 4][i % 4] = soft_capped(scores[i / 4][i % 4], o.scale, o.softcap);
      }
      const bool is_partial = low > 0 || high < 31;
      if (is_partial) {
#pragma unroll
        for (int i = 0; i < 16; i++) {
          const int key = i / 4 * 8 + 2 * t + i % 2;
          if (key < low || key > high) scores[i / 4][i % 4] = -__builtin_inff();
        }
      }
      float kept[2];
      soften_base_two(reinterpret_cast<float(&)[16]>(scores), factor, best, total, kept);
      if (__any_sync(kFullWarp, kept[0] != 1.0f || kept[1] != 1.0f)) {
#pragma unroll
        for (int n = 0; n < kDim / 8; n++) {
#pragma unroll
          for (int e = 0; e < 4; e++) sums[n][e] *= kept[e / 2];
        }
      }
#pragma unroll
      for (int block = 0; block < Ring::kBlocks; block++) {
        const uint32_t values = wait();
        if (is_partial) {
          Page::template add<true>(sums, scores, values, block, low, high);
        } else {
          Page::template add<false>(sums, scores, values, block, low, high);
        }
      }
      ask(Ring::kBlocks);
    }
    finish_segment<T, Page, kDim>(o, pieces, first_piece, segment, sums, best, total, pending, y);
  }
}

#endif

template <class T, class M, class C, class Pages, int kDim, int kWarps>
__global__ void __launch_bounds__(kWarps * 32, 1)
    paged_decode_kernel(AttentionOperands o, DecodeWork work, Pages pages, const __grid_constant__ DecodeMap map, DecodePieces pieces, DecodeRest* rests,
                        const T* q, T* y) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  using Ring = DecodeRing<C, kDim, kWarps>;
  extern __shared__ unsigned char unaligned_memory[];
  __shared__ DecodeWarp<Ring::kBoxes> warps[kWarps];
  __shared__ DecodePending pending[kWarps][2];
  __shared__ int32_t sums[kDecodeGroups];
  const uint32_t start = static_cast<uint32_t>(__cvta_generic_to_shared(unaligned_memory));
  unsigned char* memory = unaligned_memory + (1024 - start % 1024) % 1024;
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  if (lane == 0) {
    for (int i = 0; i < Ring::kBoxes; i++) init_barrier(&warps[warp].full[i], 1);
    publish_barriers();
    pending[warp][0].is_there = pending[warp][1].is_there = false;
  }
  sum_groups(o, work, sums);
  __syncthreads();
  const int64_t total = DecodeCursor::total(o, work, sums);
  // As many warps as have work.least pages each, spread over the blocks.
  const int32_t most = gridDim.x * kWarps, enough = total < static_cast<int64_t>(most) * work.least ? static_cast<int32_t>(total) / work.least : most;
  const int32_t worth = enough > 1 ? enough : 1, per_block = worth / static_cast<int32_t>(gridDim.x), active = per_block > 1 ? per_block : 1;
  const int32_t all = gridDim.x * active, stretches = worth < all ? worth : all, index = blockIdx.x * active + warp;
  if (warp < active && index < stretches) {
    const int64_t share = total / stretches, rest = total - share * stretches;
    const auto start_of = [&](int32_t i) { return share * i + (i < rest ? i : rest); };
    unsigned char* boxes = memory + warp * Ring::kBoxes * Ring::kBoxBytes;
    const DecodeCursor cursor(o, work, sums, start_of(index), start_of(index + 1));
    DecodeRequests<C, kDim, kWarps, Pages> requests(o, work, pages, map, warps[warp], boxes, cursor);
    stream_stretch<T, M, C, kDim, kWarps>(o, pieces, requests, warps[warp], static_cast<uint32_t>(__cvta_generic_to_shared(boxes)), pending[warp], q, y);
  }
  join_block<T, kDim, kWarps>(o, pieces, pending, rests, y);
#endif
}

}  // namespace trtllm::cuda

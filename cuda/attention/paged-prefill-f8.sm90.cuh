#pragma once
#include <trtllm/ptx/f8-pair.cuh>
#include <trtllm/ptx/warpgroup-mma-f8.sm90.cuh>

#include "prefill-feed-f8.sm90.cuh"

// softmax(scale * q k^T) v for sequences of several queries over pages of f8, by products of f8, head sizes 64 and 128 (sm_90a).
// Items, blocks, the two warpgroups of 64 rows and their turns are those of paged-prefill.sm90.cuh; tiles are 128 keys.
// A row of q is rounded to f8 with a scale of its own when its item begins, and kept in registers; the queries of the next
// item are copied meanwhile. Weights are 2^8 times what they are, so that those down to 2^-17 of the largest are not 0. Below
// the values of each tile stand rows of ones: weights are summed by the product that sums values, rounded alike.
// The products of weights and values want each column's values of 32 keys side by side, and pages have them the other way:
// three warps turn a tile while the one before is multiplied: 32 keys by 16 columns at a time, ldmatrix.trans, a permutation
// of bytes, stmatrix. Keys of 16 then stand in the order 0 1 8 9 2 3 10 11 ..., which is the order in which a thread has their
// weights, and of 16 columns the even ones stand before the odd ones, which store_turned puts right.
// The tensor cores keep 14 bits of sums: after kTilesTogether tiles they are added to sums in f32, in shared memory.
// Warps: 0 copies, 1 to 3 turn, 4 to 11 multiply. Shared memory, 1,024-byte aligned: q [kDim / 64][128][64]; kStages each of
// k [128][kDim], raw v [128][kDim], and turned v with ones [kDim + 8][128], all swizzled; sums [kSums][256] f32.
// Numerics: q, weights and products in f8 with sums in f32, online softmax in f32 (base 2), one rounding. Measured beside
// exact products: 3.5e-2 of the results' size for normal queries, keys and values; 1.5e-2 of it are the weights', the rest the
// queries' (two f8 words an element take those away and cost a fifth of the speed).
namespace trtllm::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

// The thread's two rows of q as first operands, each divided by what makes its largest element 448; `scale` is that.
template <class T, int kDim>
__device__ __forceinline__ void load_rounded(uint32_t (&words)[kDim / 32][4], float (&scale)[2], int32_t first_row, const unsigned char* q) {
  const int t = threadIdx.x & 3;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const int32_t row = first_row + 8 * half;
    uint2 pairs[kDim / 16];
#pragma unroll
    for (int i = 0; i < kDim / 16; i++) {
      const int chunk = (i % 4 * 2 + t / 2) ^ (row & 7);
      pairs[i] = *reinterpret_cast<const uint2*>(q + i / 4 * kPrefillRows * 128 + row * 128 + chunk * 16 + t % 2 * 8);
    }
    const auto element = [&](int i, int e) {
      T pair[2];
      const uint32_t word = e < 2 ? pairs[i].x : pairs[i].y;
      memcpy(pair, &word, 4);
      return to_f32(pair[e % 2]);
    };
    float largest = 0;
#pragma unroll
    for (int i = 0; i < kDim / 16; i++) {
#pragma unroll
      for (int e = 0; e < 4; e++) largest = fmaxf(largest, fabsf(element(i, e)));
    }
    largest = fmaxf(largest, __shfl_xor_sync(kFullWarp, largest, 1));
    largest = fmaxf(largest, __shfl_xor_sync(kFullWarp, largest, 2));
    largest = fmaxf(largest, 1e-30f);
    scale[half] = largest * (1.0f / 448);
    const float inverse = 448.0f / largest;
#pragma unroll
    for (int i = 0; i < kDim / 16; i++) {
      words[i / 2][i % 2 * 2 + half] =
          f8_word(element(i, 0) * inverse, element(i, 1) * inverse, element(i, 2) * inverse, element(i, 3) * inverse);
    }
  }
}

template <class T, int kDim>
__device__ __forceinline__ void consume_f8(const AttentionOperands& o, T* y, unsigned char* memory, PrefillBarriersF8& barriers,
                                           const PrefillItem (&shared)[2]) {
  using Tile = PrefillTileF8<kDim>;
  constexpr int kKeys = Tile::kKeys, kOffset = Tile::kOffset, kSums = Tile::kSums;
  const int warpgroup = (threadIdx.x >> 7) - 1, lane = threadIdx.x & 31;
  const uint32_t base = shared_address(memory) + Tile::kQueryBytes;
  const uint64_t k = kDim == 128 ? swizzled_rows(base) : swizzled_short_rows(base);
  const uint64_t v = swizzled_rows(base + 2 * Tile::kStages * Tile::kTileBytes);
  float* kept_sums = reinterpret_cast<float*>(memory + Tile::kBytes - 1024 - Tile::kSumBytes) + (threadIdx.x - 128);
  PrefillPlace item_place, k_place, v_place;
  if (warpgroup == 1) give_turn(1);
  const auto release = [&](uint64_t* barrier) {
    __syncwarp();
    if (lane == 0) arrive(barrier);
  };
  for (;;) {
    wait_phase(&barriers.item_full[item_place.stage], item_place.phase);
    const PrefillItem item = shared[item_place.stage];
    release(&barriers.item_empty[item_place.stage]);
    item_place.step();
    if (item.queries == 0) break;
    PrefillRows rows(o, item.first_position, item.queries, warpgroup);
    uint32_t queries[kDim / 32][4];
    {
      float scale[2];
      load_rounded<T, kDim>(queries, scale, rows.first_row, memory);
      release(&barriers.q_empty);
      rows.scale_rows(scale[0], scale[1]);
    }
    float sums[kSums], scores[kKeys / 2], kept[2], reference[2] = {-__builtin_inff(), -__builtin_inff()};
    uint32_t weights[kKeys / 32][4];
    int together = 0;          // tiles in `sums`
    bool has_kept = false;     // whether there are sums in shared memory, relative to `reference`
    const auto start_scores = [&] {
      wait_phase(&barriers.k_full[k_place.stage], k_place.phase);
      take_turn(warpgroup);
      order_registers();
#pragma unroll
      for (int step = 0; step < kDim / 32; step++) {
        multiply_registers(scores, queries[step], k + ((k_place.stage * Tile::kTileBytes + step * 32) >> 4), step > 0, f8());
      }
      close_group();
    };
    const auto start_sums = [&] {
      wait_phase(&barriers.v_full[v_place.stage], v_place.phase);
      order_registers();
#pragma unroll
      for (int step = 0; step < kKeys / 32; step++) {
        multiply_registers(sums, weights[step], v + ((v_place.stage * Tile::kTurnedBytes + step * 32) >> 4), step > 0 || together > 0, f8());
      }
      close_group();
    };
    const auto end_scores = [&] {
      settle(scores);
      release(&barriers.k_empty[k_place.stage]);
      k_place.step();
    };
    const auto end_sums = [&] {
      wait_groups<0>();
      settle(sums);
      release(&barriers.v_empty[v_place.stage]);
      v_place.step();
      together++;
    };
    // Sums in shared memory, as large as those in registers are.
    const auto with_kept = [&](auto&& put) {
      float shrunk[2];
#pragma unroll
      for (int half = 0; half < 2; half++) {
        shrunk[half] = reference[half] == -__builtin_inff() ? 0.0f : fast_exp2((reference[half] - rows.best[half]) * rows.factor[half]);
      }
#pragma unroll
      for (int i = 0; i < kSums; i++) put(i, has_kept ? fmaf(kept_sums[i * 256], shrunk[i / 2 % 2], sums[i]) : sums[i]);
    };
    const auto pack = [&] {
#pragma unroll
      for (int i = 0; i < kKeys / 8; i++) {
        const float* at = scores + i / 4 * 16 + i % 4 / 2 * 8 + i % 2 * 2;
        weights[i / 4][i % 4] = f8_word(at[0], at[1], at[4], at[5]);
      }
    };

    start_scores();
    give_turn(warpgroup);
    wait_groups<0>();
    end_scores();
    rows.template soften<kOffset>(scores, item.high_tile * kKeys, kept);
    pack();
    for (int32_t tile = item.high_tile - 1; tile >= item.low_tile; tile--) {
      start_scores();
      start_sums();
      give_turn(warpgroup);
      wait_groups<1>();
      end_scores();
      rows.template soften<kOffset>(scores, tile * kKeys, kept);  // PERF: the compiler waits for the sums before this; after it was slower
      end_sums();
#pragma unroll
      for (int i = 0; i < kSums; i++) sums[i] *= kept[i / 2 % 2];
      if (together == Tile::kTilesTogether) {
        with_kept([&](int i, float sum) { kept_sums[i * 256] = sum; });
        reference[0] = rows.best[0];
        reference[1] = rows.best[1];
        has_kept = true;
        together = 0;
      }
      pack();
    }
    start_sums();
    end_sums();
    if (has_kept) with_kept([&](int i, float sum) { sums[i] = sum; });
    rows.template store_turned<kOffset>(sums, y, item.first_token, item.kv_head);
  }
}

#endif

template <class T, class Pages, int kDim>
__global__ void __launch_bounds__(kPrefillThreads, 1)
    paged_prefill_f8_kernel(AttentionOperands o, Pages pages, const __grid_constant__ PrefillMaps maps, T* y, unsigned* counter, int32_t min_queries) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  using Tile = PrefillTileF8<kDim>;
  extern __shared__ unsigned char unaligned_memory[];
  __shared__ PrefillBarriersF8 barriers;
  __shared__ PrefillItem items[2];
  unsigned char* memory = unaligned_memory + (1024 - shared_address(unaligned_memory) % 1024) % 1024;
  if (threadIdx.x == 0) {
    constexpr int kConsumers = 8, kTurners = 3;
    init_barrier(&barriers.q_empty, kConsumers);
    for (int i = 0; i < 2; i++) {
      init_barrier(&barriers.item_full[i], 1);
      init_barrier(&barriers.item_empty[i], kConsumers + kTurners);
      init_barrier(&barriers.raw_full[i], 1);
      init_barrier(&barriers.raw_empty[i], kTurners);
      init_barrier(&barriers.v_full[i], kTurners);
      init_barrier(&barriers.v_empty[i], kConsumers);
      init_barrier(&barriers.k_full[i], 1);
      init_barrier(&barriers.k_empty[i], kConsumers);
    }
    publish_barriers();
  }
  // Rows of ones beside the turned values: their product is the sum of weights.
  for (int i = threadIdx.x; i < Tile::kStages * 256; i += kPrefillThreads) {
    unsigned char* ones = memory + Tile::kQueryBytes + 2 * Tile::kStages * Tile::kTileBytes + i / 256 * Tile::kTurnedBytes + kDim * 128;
    reinterpret_cast<uint32_t*>(ones)[i % 256] = 0x38383838;
  }
  publish_shared_writes();
  __syncthreads();
  if (threadIdx.x < 128) {
    give_registers_back<56>();
    if (threadIdx.x < 32) {
      produce_f8<kDim>(o, pages, maps, min_queries, counter, memory, barriers, items);
    } else {
      turn_values<kDim>(memory, barriers, items);
    }
  } else {
    take_registers<224>();
    consume_f8<T, kDim>(o, y, memory, barriers, items);
  }
#endif
}

}  // namespace trtllm::cuda

#pragma once
#include <cooperative_groups.h>
#include <trtllm/ptx/named-barrier.cuh>
#include <trtllm/ptx/shared-store.cuh>
#include <trtllm/ptx/warpgroup-mma-columns.sm90.cuh>
#include <type_traits>

#include "latent-producer.sm90.cuh"
#include "prefill-rows.sm90.cuh"

// Absorbed latent attention for many heads, f16 and bf16, rank 512 and pe of 64 (sm_90a): softmax(q c) c over cached vectors
// c, 64 rows a block, each one head of one query; in a cluster two blocks have 128 rows and share what they copy. Blocks stay
// on their multiprocessor and take shares of the work (latent-pieces.cuh). The schedule of two warpgroups over one key tile in
// shared memory that serves as values too is that of FlashMLA (github.com/deepseek-ai/FlashMLA), without its staggering.
// A producer warp copies; the two warpgroups take two tiles at a time. Warpgroup w makes the scores of tile w, all rows; they
// agree on each row's largest; w weighs its tile and leaves the weights in shared memory where the tile's pe was; then both
// add both tiles' values, w the columns from 256 w on.
// Shared memory, 1,024-byte aligned: queries [9][64][64], two tiles [9][64][64], swizzled rows of 128 bytes. Numerics: scores
// and online softmax in f32 (base 2), weights rounded to T for the second product, f32 sums.
namespace trtllm::cuda {

constexpr int kLatentRows = 64, kLatentDecodeThreads = 384;
constexpr int kLatentDecodeBytes = 3 * kLatentTileBytes;

struct LatentExchange {
  float tops[2][kLatentRows], totals[2][kLatentRows];
};

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

__device__ __forceinline__ void wait_for_both() { wait_at_barrier(1, 256); }

template <class T, int kCluster>
__device__ __forceinline__ void consume_latents(const LatentOperands& o, const LatentPieces& pieces, T* sums_out, uint32_t rank,
                                                unsigned char* memory, LatentBarriers& barriers, const LatentItem (&shared)[2],
                                                LatentExchange& exchange) {
  const int warpgroup = (threadIdx.x >> 7) - 1, lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
  const int first_row = (threadIdx.x >> 5 & 3) * 16 + g;  // and eight below
  const int other = warpgroup ^ 1, half_group = warpgroup * 2;
  unsigned char* own_tile = memory + (1 + warpgroup) * kLatentTileBytes;
  const uint32_t base = shared_address(memory);
  const uint64_t queries = swizzled_rows(base);
  const uint64_t keys = swizzled_rows(base + (1 + warpgroup) * kLatentTileBytes);
  const uint64_t own_values = swizzled_rows(base + (1 + warpgroup) * kLatentTileBytes + warpgroup * 4 * kLatentBlockBytes, kLatentBlockBytes);
  const uint64_t other_values = swizzled_rows(base + (1 + other) * kLatentTileBytes + warpgroup * 4 * kLatentBlockBytes, kLatentBlockBytes);
  const uint32_t own_weights = base + (1 + warpgroup) * kLatentTileBytes + kPeBlock * kLatentBlockBytes;
  const uint64_t other_weights = swizzled_rows(base + (1 + other) * kLatentTileBytes + kPeBlock * kLatentBlockBytes);
  const float factor = o.scale * kLog2E;
  uint32_t phase = 0, other_phase = 0;  // of the warpgroups' stages
  for (uint32_t turn = 0;; turn++) {
    wait_phase(&barriers.queries_full, turn & 1);
    const LatentItem item = shared[turn & 1];
    if (item.seq < 0) return;
    const int row_shift = static_cast<int>(rank) * kLatentRows;
    int32_t last[2];
#pragma unroll
    for (int half = 0; half < 2; half++) last[half] = item.position_of(row_shift + first_row + 8 * half, o.heads);
    const int32_t seen_by_all = item.position_of(row_shift, o.heads);
    float sums[128] = {}, best[2] = {-__builtin_inff(), -__builtin_inff()}, total[2] = {0, 0};
    // Two tiles, or the one that is left over: then the second warpgroup has none of its own.
    const auto add_tiles = [&](int32_t pair, auto are_two) {
      constexpr bool kTwo = decltype(are_two)::value;
      const int32_t tile = pair + warpgroup;
      const bool is_mine = kTwo || warpgroup == 0;
      float scores[32], top[2] = {-__builtin_inff(), -__builtin_inff()};
      if (is_mine) {
        const int32_t written = item.context - tile * kLatentKeys;
        if (written < kLatentKeys) {
#pragma unroll
          for (int group = 0; group < 4; group++) wait_phase(&barriers.full[warpgroup][group], phase);
          clear_rows(own_tile, written, threadIdx.x & 127);
          wait_at_barrier(2 + warpgroup, 128);
        }
#pragma unroll
        for (int i = 0; i < kLatentGroups; i++) {
          const int group = group_at(warpgroup, i);
          wait_phase(&barriers.full[warpgroup][group], phase);
          order_registers();
#pragma unroll
          for (int block = 0; block < (i == 4 ? 1 : 2); block++) {
            const uint32_t at = (group * 2 + block) * (kLatentBlockBytes >> 4);
#pragma unroll
            for (int step = 0; step < 4; step++) {
              multiply_shared(scores, queries + at + step * 2, keys + at + step * 2, i + block + step > 0, T());
            }
          }
        }
        close_group();
        phase ^= 1;
        wait_groups<0>();
        settle(scores);
        if (tile * kLatentKeys + kLatentKeys - 1 > seen_by_all) {
          const int32_t key = tile * kLatentKeys + 2 * t;
#pragma unroll
          for (int i = 0; i < 32; i++) {
            if (key + i / 4 * 8 + i % 2 > last[i / 2 % 2]) scores[i] = -__builtin_inff();
          }
        }
#pragma unroll
        for (int i = 0; i < 32; i++) top[i / 2 % 2] = fmaxf(top[i / 2 % 2], scores[i]);
#pragma unroll
        for (int half = 0; half < 2; half++) {
          top[half] = fmaxf(top[half], __shfl_xor_sync(kFullWarp, top[half], 1));
          top[half] = fmaxf(top[half], __shfl_xor_sync(kFullWarp, top[half], 2));
        }
      }
      if (pair + 2 >= item.end) {
        __syncwarp();
        if (lane == 0) arrive(&barriers.queries_empty);
      }
      if (t < 2) exchange.tops[warpgroup][first_row + 8 * t] = t == 0 ? top[0] : top[1];
      wait_for_both();
      float kept[2], shift[2];
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const float next = fmaxf(fmaxf(best[half], top[half]), exchange.tops[other][first_row + 8 * half]);
        shift[half] = next == -__builtin_inff() ? 0.0f : next * factor;
        kept[half] = fast_exp2(fmaf(best[half], factor, -shift[half]));
        best[half] = next;
        total[half] *= kept[half];
      }
      uint32_t weights[4][4];
      if (is_mine) {
#pragma unroll
        for (int i = 0; i < 32; i++) {
          scores[i] = fast_exp2(fmaf(scores[i], factor, -shift[i / 2 % 2]));
          total[i / 2 % 2] += scores[i];
        }
        pack_weights<T>(weights, scores);
#pragma unroll
        for (int i = 0; i < 16; i++) {  // columns 8 (i / 2) + 2t, row i % 2
          const int row = first_row + i % 2 * 8;
          store_shared(own_weights + row * 128 + ((i / 2 ^ (row & 7)) << 4) + t * 4, weights[i / 4][i % 4]);
        }
        publish_shared_writes();
      }
      if (__any_sync(kFullWarp, kept[0] != 1.0f || kept[1] != 1.0f)) {
#pragma unroll
        for (int i = 0; i < 128; i++) sums[i] *= kept[i / 2 % 2];
      }
      const auto add_own = [&] {
        order_registers();
#pragma unroll
        for (int step = 0; step < 4; step++) multiply_registers(sums, weights[step], own_values + step * (16 * 128 >> 4), T());
        close_group();
      };
      const auto add_other = [&] {
        wait_phase(&barriers.full[other][half_group], other_phase);
        wait_phase(&barriers.full[other][half_group + 1], other_phase);
        other_phase ^= 1;
        order_registers();
#pragma unroll
        for (int step = 0; step < 4; step++) multiply_columns(sums, other_weights + step * 2, other_values + step * (16 * 128 >> 4), T());
        close_group();
      };
      const auto free_values = [&](int stage) {
        free_group<kCluster>(barriers, stage, half_group);
        free_group<kCluster>(barriers, stage, half_group + 1);
      };
      if constexpr (kTwo) {
        add_own();
        wait_for_both();
        add_other();
        wait_groups<1>();
        free_values(warpgroup);
        wait_groups<0>();
        settle(sums);
        free_values(other);
        free_group<kCluster>(barriers, other, 4);
      } else {
        wait_for_both();
        if (warpgroup == 0) {
          add_own();
        } else {
          add_other();
        }
        wait_groups<0>();
        settle(sums);
        free_values(0);
        if (warpgroup == 1) free_group<kCluster>(barriers, 0, 4);
      }
    };
    int32_t pair = item.begin;
    for (; pair + 1 < item.end; pair += 2) add_tiles(pair, std::true_type());
    if (pair < item.end) add_tiles(pair, std::false_type());
#pragma unroll
    for (int half = 0; half < 2; half++) {
      total[half] += __shfl_xor_sync(kFullWarp, total[half], 1);
      total[half] += __shfl_xor_sync(kFullWarp, total[half], 2);
    }
    if (t < 2) exchange.totals[warpgroup][first_row + 8 * t] = t == 0 ? total[0] : total[1];
    wait_for_both();
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int row = first_row + 8 * half;
      const float all = total[half] + exchange.totals[other][row];
      const bool inside = row_shift + row < item.num_rows;
      const int column = warpgroup * 256;
      if (item.piece < 0) {
        const float inverse = all == 0 ? 0.0f : 1.0f / all;
        T* to = sums_out + static_cast<int64_t>(item.first_row + row_shift + row) * kLatentRank + column;
#pragma unroll
        for (int block = 0; block < 8; block++) {
          uint32_t words[4];
#pragma unroll
          for (int i = 0; i < 4; i++) {
            const float* at = sums + (block * 4 + i) * 4 + 2 * half;
            words[i] = two_words(at[0] * inverse, at[1] * inverse, T());
          }
          PrefillRows::trade(words, t);
          if (inside) *reinterpret_cast<uint4*>(to + block * 32 + t * 8) = uint4{words[0], words[1], words[2], words[3]};
        }
      } else if (inside) {
        const int64_t slot = static_cast<int64_t>(item.piece) * pieces.rows_together + row_shift + row;
        float* to = pieces.values + slot * kLatentRank + column + 2 * t;
#pragma unroll
        for (int j = 0; j < 32; j++) *reinterpret_cast<float2*>(to + 8 * j) = float2{sums[4 * j + 2 * half], sums[4 * j + 2 * half + 1]};
        if (warpgroup == 0 && t == 0) pieces.masses[slot] = float2{best[half] * factor, all};
      }
    }
  }
}

#endif

template <class T, class Pages, int kCluster>
__global__ void __launch_bounds__(kLatentDecodeThreads, 1) __cluster_dims__(kCluster, 1, 1)
    latent_decode_kernel(LatentOperands o, LatentPieces pieces, Pages pages, const __grid_constant__ LatentMaps maps, T* sums) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  extern __shared__ __align__(1024) unsigned char memory[];
  LatentBarriers& barriers = *reinterpret_cast<LatentBarriers*>(memory + kLatentDecodeBytes);
  LatentExchange& exchange = *reinterpret_cast<LatentExchange*>(memory + kLatentDecodeBytes + 256);
  LatentItem(&items)[2] = *reinterpret_cast<LatentItem(*)[2]>(memory + kLatentDecodeBytes + 256 + sizeof(LatentExchange));
  const uint32_t rank = kCluster == 1 ? 0 : blockIdx.x % kCluster;
  if (threadIdx.x == 0) init_latent_barriers(barriers, 8, 4 * kCluster);
  if constexpr (kCluster > 1) {
    cooperative_groups::this_cluster().sync();
  } else {
    __syncthreads();
  }
  if (threadIdx.x < 128) {
    give_registers_back<56>();
    if (threadIdx.x < 32) produce_latents<kLatentRows, kCluster>(o, pieces, pages, maps, rank, memory, barriers, items);
  } else {
    take_registers<224>();
    consume_latents<T, kCluster>(o, pieces, sums, rank, memory, barriers, items, exchange);
  }
  if constexpr (kCluster > 1) cooperative_groups::this_cluster().sync();  // the other block may still copy to this one, and arrive at its barriers
#endif
}

}  // namespace trtllm::cuda

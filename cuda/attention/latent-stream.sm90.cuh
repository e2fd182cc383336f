#pragma once
#include <trtllm/ptx/named-barrier.cuh>
#include <trtllm/ptx/store-matrix.cuh>
#include <trtllm/ptx/warpgroup-mma-columns.sm90.cuh>

#include "base-two-softmax.cuh"
#include "latent-producer.sm90.cuh"

// Absorbed latent attention for few heads, f16 and bf16, rank 512 and pe of 64 (sm_90a): softmax(q c) c over cached vectors
// c, kRows (16 or 32) rows a block, each one head of one query. As many rows leave the tensor cores time, so products are
// turned over: keys are the 64 rows of the first (scores^T = c q^T), latents those of the second (sums^T = c^T weights^T), and
// no row is wasted. Blocks stay on their multiprocessor and take shares of the work (latent-pieces.cuh).
// A producer warp copies. Warpgroup w takes an item's every second tile, from the w-th on, with maxima and sums of its own;
// at the item's end the two join in shared memory.
// Shared memory, 1,024-byte aligned: queries [9][kRows][64], two tiles [9][64][64], the warpgroups' weights [kRows][64], all
// swizzled rows of 128 bytes; sums on their way out [kRows][256 + 4] f32. Numerics: scores and online softmax in f32 (base
// 2), weights rounded to T for the second product, f32 sums.
namespace trtllm::cuda {

constexpr int kLatentStreamThreads = 384;

template <int kRows>
struct LatentStream {
  static constexpr int kQueryBytes = kLatentBlocks * kRows * 128, kWeightBytes = kRows * 128, kSumStride = 260;
  static constexpr int kTiles = kQueryBytes, kWeights = kTiles + 2 * kLatentTileBytes, kSums = kWeights + 2 * kWeightBytes;
  static constexpr int kEnd = kSums + kRows * kSumStride * 4, kBytes = kEnd + 3072;
};

template <int kRows>
struct LatentStreamExchange {
  float tops[2][4][kRows], totals[2][4][kRows], best[2][kRows];
};

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

// Value i of a thread is of row column_of(i) of the item.
__device__ __forceinline__ int stream_row(int i, int t) { return i / 2 * 8 + 2 * t + i % 2; }

// Joins the sums of the two warpgroups, 256 columns at a time, and writes the result where the item is whole, else its piece.
// sums[m] of warpgroup w are of block m, or m ^ 4 of the second, which takes the groups in another order.
template <class T, int kRows>
__device__ __forceinline__ void finish_stream(const LatentOperands& o, const LatentPieces& pieces, const LatentItem& item,
                                              float (&sums)[8][kRows / 2], const float (&best)[kRows / 4], const float (&total)[kRows / 4],
                                              float factor, T* sums_out, float* out, LatentStreamExchange<kRows>& exchange) {
  constexpr int kStride = LatentStream<kRows>::kSumStride, kMine = kRows / 4;
  const int warpgroup = (threadIdx.x >> 7) - 1, warp = threadIdx.x >> 5 & 3, lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
#pragma unroll
  for (int i = 0; i < kMine; i++) {
    float sum = total[i];
#pragma unroll
    for (int offset = 4; offset < 32; offset <<= 1) sum += __shfl_xor_sync(kFullWarp, sum, offset);
    if (g == i) {
      exchange.totals[warpgroup][warp][stream_row(i, t)] = sum;
      if (warp == 0) exchange.best[warpgroup][stream_row(i, t)] = best[i] * factor;
    }
  }
  wait_at_barrier(1, 256);
  const auto top_of = [&](int row) { return fmaxf(exchange.best[0][row], exchange.best[1][row]); };
  const auto factor_of = [&](int w, int row) {  // 0 where the warpgroup saw nothing
    const float own = exchange.best[w][row];
    return own == -__builtin_inff() ? 0.0f : fast_exp2(own - top_of(row));
  };
  const auto mass_of = [&](int row) {
    float mass = 0;
#pragma unroll
    for (int w = 0; w < 2; w++) {
      const float* parts = exchange.totals[w][0] + row;
      mass = fmaf(parts[0] + parts[kRows] + parts[2 * kRows] + parts[3 * kRows], factor_of(w, row), mass);
    }
    return mass;
  };
  float scale[kMine];
#pragma unroll
  for (int i = 0; i < kMine; i++) scale[i] = factor_of(warpgroup, stream_row(i, t));
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const auto each = [&](auto&& at) {
#pragma unroll
      for (int m = 0; m < 4; m++) {
#pragma unroll
        for (int i = 0; i < kRows / 2; i++) {
          const int mine = i / 4 * 2 + i % 2;
          at(m, i, out + stream_row(mine, t) * kStride + m * 64 + warp * 16 + g + i / 2 % 2 * 8, scale[mine]);
        }
      }
    };
    if (warpgroup == 1) each([&](int m, int i, float* to, float by) { *to = sums[(half ^ 1) * 4 + m][i] * by; });
    wait_at_barrier(1, 256);
    if (warpgroup == 0) each([&](int m, int i, float* to, float by) { *to = fmaf(sums[half * 4 + m][i], by, *to); });
    wait_at_barrier(1, 256);
    for (int i = threadIdx.x - 128; i < item.num_rows * 64; i += 256) {
      const int row = i / 64, column = i % 64 * 4;
      const float4 sum = *reinterpret_cast<const float4*>(out + row * kStride + column);
      const float mass = mass_of(row);
      if (item.piece < 0) {
        const uint2 words{two_words(weighted_mean(sum.x, mass), weighted_mean(sum.y, mass), T()),
                          two_words(weighted_mean(sum.z, mass), weighted_mean(sum.w, mass), T())};
        *reinterpret_cast<uint2*>(sums_out + static_cast<int64_t>(item.first_row + row) * kLatentRank + half * 256 + column) = words;
      } else {
        const int64_t slot = static_cast<int64_t>(item.piece) * kRows + row;
        *reinterpret_cast<float4*>(pieces.values + slot * kLatentRank + half * 256 + column) = sum;
        if (half == 0 && column == 0) pieces.masses[slot] = float2{top_of(row), mass};
      }
    }
    wait_at_barrier(1, 256);  // before the next half, and the next item, overwrite what was read
  }
}

template <class T, int kRows>
__device__ __forceinline__ void stream_latents(const LatentOperands& o, const LatentPieces& pieces, T* sums_out, unsigned char* memory,
                                               LatentBarriers& barriers, const LatentItem (&shared)[2],
                                               LatentStreamExchange<kRows>& exchange) {
  using Stream = LatentStream<kRows>;
  constexpr int kMine = kRows / 4;  // rows whose values a thread has
  const int warpgroup = (threadIdx.x >> 7) - 1, warp = threadIdx.x >> 5 & 3, lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
  unsigned char* tile_memory = memory + Stream::kTiles + warpgroup * kLatentTileBytes;
  const uint32_t base = shared_address(memory), tile_base = base + Stream::kTiles + warpgroup * kLatentTileBytes;
  const uint32_t weight_base = base + Stream::kWeights + warpgroup * Stream::kWeightBytes;
  const uint64_t queries = swizzled_rows(base), keys = swizzled_rows(tile_base), weights_shared = swizzled_rows(weight_base);
  float* out = reinterpret_cast<float*>(memory + Stream::kSums);
  const float factor = o.scale * kLog2E;
  uint32_t phase = 0;
  for (uint32_t turn = 0;; turn++) {
    wait_phase(&barriers.queries_full, turn & 1);
    const LatentItem item = shared[turn & 1];
    if (item.seq < 0) return;
    float sums[8][kRows / 2] = {}, best[kMine], total[kMine];
    int32_t last[kMine];
#pragma unroll
    for (int i = 0; i < kMine; i++) {
      best[i] = -__builtin_inff();
      total[i] = 0;
      last[i] = item.position_of(stream_row(i, t), o.heads);
    }
    for (int32_t tile = item.begin + warpgroup; tile < item.end; tile += 2) {
      const int32_t written = item.context - tile * kLatentKeys;
      if (written < kLatentKeys) {
#pragma unroll
        for (int group = 0; group < 4; group++) wait_phase(&barriers.full[warpgroup][group], phase);
        clear_rows(tile_memory, written, threadIdx.x & 127);
        wait_at_barrier(2 + warpgroup, 128);
      }
      float scores[kRows / 2];  // element e of tile j: key 16 warp + g + 8 (e / 2), row 8j + 2t + e % 2
#pragma unroll
      for (int i = 0; i < kLatentGroups; i++) {
        const int group = group_at(warpgroup, i);
        wait_phase(&barriers.full[warpgroup][group], phase);
        order_registers();
#pragma unroll
        for (int block = 0; block < (i == 4 ? 1 : 2); block++) {
          const int at = group * 2 + block;
#pragma unroll
          for (int step = 0; step < 4; step++) {
            multiply_few(scores, keys + at * (kLatentBlockBytes >> 4) + step * 2, queries + at * (kRows * 128 >> 4) + step * 2,
                         i + block + step > 0, T());
          }
        }
      }
      close_group();
      wait_groups<0>();
      settle(scores);
      free_group<1>(barriers, warpgroup, 4);
      const int32_t key = tile * kLatentKeys + warp * 16 + g;
      float top[kMine];
#pragma unroll
      for (int i = 0; i < kMine; i++) {
        float* mine = scores + i / 2 * 4 + i % 2;
        if (key > last[i]) mine[0] = -__builtin_inff();
        if (key + 8 > last[i]) mine[2] = -__builtin_inff();
        top[i] = fmaxf(mine[0], mine[2]);
#pragma unroll
        for (int offset = 4; offset < 32; offset <<= 1) top[i] = fmaxf(top[i], __shfl_xor_sync(kFullWarp, top[i], offset));
        if (g == i) exchange.tops[warpgroup][warp][stream_row(i, t)] = top[i];
      }
      wait_at_barrier(2 + warpgroup, 128);
      bool is_kept = true;
      float kept[kMine];
      uint32_t words[kRows / 8][2];
#pragma unroll
      for (int i = 0; i < kMine; i++) {
        float next = best[i];
#pragma unroll
        for (int w = 0; w < 4; w++) next = fmaxf(next, exchange.tops[warpgroup][w][stream_row(i, t)]);
        const float shift = next == -__builtin_inff() ? 0.0f : next * factor;
        kept[i] = fast_exp2(fmaf(best[i], factor, -shift));
        is_kept &= kept[i] == 1.0f;
        best[i] = next;
        float* mine = scores + i / 2 * 4 + i % 2;
        mine[0] = fast_exp2(fmaf(mine[0], factor, -shift));
        mine[2] = fast_exp2(fmaf(mine[2], factor, -shift));
        total[i] = fmaf(total[i], kept[i], mine[0] + mine[2]);
      }
#pragma unroll
      for (int j = 0; j < kRows / 8; j++) {
        words[j][0] = two_words(scores[4 * j], scores[4 * j + 1], T());
        words[j][1] = two_words(scores[4 * j + 2], scores[4 * j + 3], T());
      }
#pragma unroll
      for (int j = 0; j < kRows / 8; j += 2) {  // matrices: keys 16 warp + 0 and + 8 of rows 8j, then of rows 8 (j + 1)
        const int row = (j + (lane >> 4)) * 8 + (lane & 7), chunk = warp * 2 + (lane >> 3 & 1);
        store_matrices_transposed(weight_base + row * 128 + ((chunk ^ (row & 7)) << 4),
                                  {words[j][0], words[j][1], words[j + 1][0], words[j + 1][1]});
      }
      publish_shared_writes();
      if (!__all_sync(kFullWarp, is_kept)) {
#pragma unroll
        for (int m = 0; m < 8; m++) {
#pragma unroll
          for (int i = 0; i < kRows / 2; i++) sums[m][i] *= kept[i / 4 * 2 + i % 2];
        }
      }
      wait_at_barrier(2 + warpgroup, 128);
      order_registers();
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int group = group_at(warpgroup, i);
#pragma unroll
        for (int block = 0; block < 2; block++) {
          const int m = i * 2 + block;
          const uint64_t latents = keys + (group * 2 + block) * (kLatentBlockBytes >> 4);
#pragma unroll
          for (int step = 0; step < 4; step++) multiply_few_rows(sums[m], latents + step * (16 * 128 >> 4), weights_shared + step * 2, T());
        }
        close_group();
      }
      wait_groups<3>();
      free_group<1>(barriers, warpgroup, group_at(warpgroup, 0));
      wait_groups<2>();
      free_group<1>(barriers, warpgroup, group_at(warpgroup, 1));
      wait_groups<1>();
      free_group<1>(barriers, warpgroup, group_at(warpgroup, 2));
      wait_groups<0>();
      free_group<1>(barriers, warpgroup, group_at(warpgroup, 3));
#pragma unroll
      for (int m = 0; m < 8; m++) settle(sums[m]);
      phase ^= 1;
    }
    __syncwarp();
    if (lane == 0) arrive(&barriers.queries_empty);
    finish_stream<T, kRows>(o, pieces, item, sums, best, total, factor, sums_out, out, exchange);
  }
}

#endif

template <class T, class Pages, int kRows>
__global__ void __launch_bounds__(kLatentStreamThreads, 1)
    latent_stream_kernel(LatentOperands o, LatentPieces pieces, Pages pages, const __grid_constant__ LatentMaps maps, T* sums) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  using Stream = LatentStream<kRows>;
  extern __shared__ __align__(1024) unsigned char memory[];
  LatentBarriers& barriers = *reinterpret_cast<LatentBarriers*>(memory + Stream::kEnd);
  LatentItem(&items)[2] = *reinterpret_cast<LatentItem(*)[2]>(memory + Stream::kEnd + 256);
  auto& exchange = *reinterpret_cast<LatentStreamExchange<kRows>*>(memory + Stream::kEnd + 512);
  if (threadIdx.x == 0) init_latent_barriers(barriers, 8, 4);
  __syncthreads();
  if (threadIdx.x < 128) {
    give_registers_back<56>();
    if (threadIdx.x < 32) produce_latents<kRows, 1>(o, pieces, pages, maps, 0, memory, barriers, items);
  } else {
    take_registers<224>();
    stream_latents<T, kRows>(o, pieces, sums, memory, barriers, items, exchange);
  }
#endif
}

}  // namespace trtllm::cuda

#pragma once
#include <trtllm/ptx/pair-copy.sm90.cuh>

#include "latent-pieces.cuh"

// How the sm_90 kernels of latent attention bring queries and cached vectors of 512 + 64 elements of 16 bits into shared
// memory. Everything lies in blocks of 64 columns, rows of 128 bytes, swizzled: eight of the latent and one of pe. A tile is
// kLatentKeys tokens, two pages. Two tiles are in shared memory, an item's even ones in stage 0 and its odd ones in stage 1.
// A tile comes and goes in five groups: four of two blocks, and pe, each with barriers of its own, so that the next tile
// follows group by group. In a cluster of two blocks each copies one page of every tile to both.
namespace trtllm::cuda {

constexpr int kLatentRank = 512, kLatentWidth = 576, kLatentBlocks = 9, kLatentGroups = 5, kPeBlock = 8;
constexpr int kLatentBlockBytes = kLatentKeys * 128, kLatentTileBytes = kLatentBlocks * kLatentBlockBytes;

// Absorbed queries as rows of 576 elements and the cache as rows of 576, `rows` of them.
struct LatentMaps {
  CUtensorMap queries, cache;
  int32_t rows;
};

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

struct LatentBarriers {
  uint64_t queries_full, queries_empty, full[2][kLatentGroups], empty[2][kLatentGroups];
};

// The order in which the groups of a stage come: those that are freed first.
__device__ __forceinline__ int group_at(int stage, int i) { return i == 4 ? 4 : stage == 0 ? i : i ^ 2; }

// One warp. `memory`: queries, kQueryRows rows a block, then the two tiles.
template <int kQueryRows, int kCluster, class Pages>
__device__ __forceinline__ void produce_latents(const LatentOperands& o, const LatentPieces& pieces, const Pages& pages,
                                                const LatentMaps& maps, uint32_t rank, unsigned char* memory, LatentBarriers& barriers,
                                                LatentItem (&shared)[2]) {
  const int lane = threadIdx.x & 31;
  unsigned char* tiles = memory + kLatentBlocks * kQueryRows * 128;
  LatentCursor cursor(o, pieces, static_cast<int32_t>(blockIdx.x) / kCluster);
  uint32_t phases[2] = {0, 0};
  for (uint32_t turn = 0;; turn++) {
    const LatentItem item = cursor.next();
    wait_phase(&barriers.queries_empty, (turn & 1) ^ 1);
    if (lane == 0) {
      shared[turn & 1] = item;
      if (item.seq < 0) {
        arrive(&barriers.queries_full);
      } else {
        arrive_expecting(&barriers.queries_full, kLatentBlocks * kQueryRows * 128);
      }
    }
    __syncwarp();
    if (item.seq < 0) return;
    if (lane < kLatentBlocks) {
      copy_box(memory + lane * kQueryRows * 128, &maps.queries, &barriers.queries_full, lane * 64,
               item.first_row + static_cast<int32_t>(rank) * kQueryRows);
    }
    int64_t known = -1;  // pages of sixteen tiles that lanes know
    for (int32_t tile = item.begin; tile < item.end; tile++) {
      const int32_t in_chunk = (tile - item.begin) & 15;
      if (in_chunk == 0) {
        const int32_t column = 2 * tile + lane;
        known = column < 2 * item.end && column * 32 < item.context ? pages.page_in(item.slot, column) : -1;
      }
      const int stage = (tile - item.begin) & 1;
      // A lane copies block lane / 2 of the group from page lane % 2; in a cluster, one page of both.
      const int half = kCluster == 1 ? lane & 1 : static_cast<int>(rank);
      const int64_t page = __shfl_sync(kFullWarp, known, 2 * in_chunk + half);
      const int32_t row = page < 0 ? maps.rows : static_cast<int32_t>(page * 32);
      const int in_group = kCluster == 1 ? lane >> 1 : lane;
#pragma unroll
      for (int i = 0; i < kLatentGroups; i++) {
        const int group = group_at(stage, i), blocks = group == 4 ? 1 : 2;
        wait_phase(&barriers.empty[stage][group], phases[stage] ^ 1);
        if (lane == 0) arrive_expecting(&barriers.full[stage][group], blocks * kLatentBlockBytes);
        __syncwarp();
        if (in_group < blocks) {
          const int block = group * 2 + in_group;
          unsigned char* to = tiles + stage * kLatentTileBytes + block * kLatentBlockBytes + half * 32 * 128;
          if constexpr (kCluster == 1) {
            copy_box(to, &maps.cache, &barriers.full[stage][group], block * 64, row);
          } else {
            copy_box_to_both(to, &maps.cache, &barriers.full[stage][group], block * 64, row);
          }
        }
      }
      phases[stage] ^= 1;
    }
  }
}

// Frees a group of a stage: a lane of each of the warps that read it, in every block of the cluster.
template <int kCluster>
__device__ __forceinline__ void free_group(LatentBarriers& barriers, int stage, int group) {
  __syncwarp();
  const uint32_t lane = threadIdx.x & 31;
  if constexpr (kCluster == 1) {
    if (lane == 0) arrive(&barriers.empty[stage][group]);
  } else {
    if (lane < kCluster) arrive_in_block(&barriers.empty[stage][group], lane);
  }
}

// Clears what no token was written to, the rows from `first` on of a tile's latents: unwritten memory may hold NaN, and
// weights of 0 do not make that 0. `thread` of 128.
__device__ __forceinline__ void clear_rows(unsigned char* tile, int first, int thread) {
  const int chunks = (kLatentKeys - first) * 8;
  for (int i = thread; i < chunks * kPeBlock; i += 128) {
    *reinterpret_cast<uint4*>(tile + i / chunks * kLatentBlockBytes + first * 128 + i % chunks * 16) = uint4{0, 0, 0, 0};
  }
  publish_shared_writes();
}

__device__ __forceinline__ void init_latent_barriers(LatentBarriers& barriers, int query_readers, int group_readers) {
  init_barrier(&barriers.queries_full, 1);
  init_barrier(&barriers.queries_empty, query_readers);
  for (int stage = 0; stage < 2; stage++) {
    for (int group = 0; group < kLatentGroups; group++) {
      init_barrier(&barriers.full[stage][group], 1);
      init_barrier(&barriers.empty[stage][group], group_readers);
    }
  }
  publish_barriers();
}

#endif

}  // namespace trtllm::cuda

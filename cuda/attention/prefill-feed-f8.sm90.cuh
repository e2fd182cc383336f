#pragma once
#include <trtllm/ptx/ldmatrix.cuh>

#include "paged-prefill.sm90.cuh"

// The first warpgroup of the prefill kernel over f8 pages: one warp copies, three turn values. Its shared memory, its
// barriers, and what the warps that multiply know of both.
namespace trtllm::cuda {

template <int kDim>
struct PrefillTileF8 {
  static constexpr int kKeys = 128, kPages = 4, kStages = 2, kTileBytes = kKeys * kDim, kTurnedBytes = 128 * (kDim + 8);
  static constexpr int kTilesTogether = 8, kOffset = 8, kSums = kDim / 2 + 4;  // of a thread; the last four are those of the ones
  static constexpr int kQueryBytes = kPrefillRows * kDim * 2, kQueryBlocks = kDim / 64;
  static constexpr int kSumBytes = kSums * 256 * 4;
  static constexpr int kBytes = 1024 + kQueryBytes + kStages * (2 * kTileBytes + kTurnedBytes) + kSumBytes;

  // Byte of the 16-byte chunk `chunk` of a row of kDim bytes, as the copy engine swizzles it.
  static __device__ __forceinline__ uint32_t offset(int row, int chunk) {
    return static_cast<uint32_t>(row * kDim + (kDim == 128 ? chunk ^ (row & 7) : chunk ^ (row >> 1 & 3)) * 16);
  }
};

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

struct PrefillBarriersF8 {
  uint64_t item_full[2], item_empty[2], q_empty, k_full[2], k_empty[2], raw_full[2], raw_empty[2], v_full[2], v_empty[2];
};

// A place in a ring of two stages, and the parity of its barriers there.
struct PrefillPlace {
  uint32_t stage = 0, phase = 0;
  __device__ __forceinline__ void step() {
    stage ^= 1;
    if (stage == 0) phase ^= 1;
  }
};

template <int kDim, class Pages>
__device__ __forceinline__ void produce_f8(const AttentionOperands& o, const Pages& pages, const PrefillMaps& maps, int32_t min_queries, unsigned* counter,
                                           unsigned char* memory, PrefillBarriersF8& barriers, PrefillItem (&shared)[2]) {
  using Tile = PrefillTileF8<kDim>;
  const int lane = threadIdx.x & 31;
  const int32_t group = o.heads / o.kv_heads, query_bytes = kPrefillRows / group * group * kDim * 2;
  unsigned char* k_memory = memory + Tile::kQueryBytes;
  unsigned char* raw_memory = k_memory + Tile::kStages * Tile::kTileBytes;
  PrefillPlace item_place, place;
  uint32_t q_phase = 1;
  // Tells the other warps what comes next, and has its queries copied.
  const auto announce = [&](const PrefillItem& item) {
    uint64_t* full = &barriers.item_full[item_place.stage];
    wait_phase(&barriers.item_empty[item_place.stage], item_place.phase ^ 1);
    wait_phase(&barriers.q_empty, q_phase);
    q_phase ^= 1;
    if (lane == 0) {
      shared[item_place.stage] = item;
      if (item.queries == 0) {
        arrive(full);
      } else {
        arrive_expecting(full, query_bytes);
      }
    }
    __syncwarp();
    if (item.queries > 0 && lane < Tile::kQueryBlocks) {
      copy_box(memory + lane * kPrefillRows * 128, &maps.q, full, lane * 64, item.kv_head * group, item.first_token);
    }
    item_place.step();
  };
  PrefillItem item = prefill_item<Tile::kKeys>(o, blockIdx.x, min_queries);
  announce(item);
  while (item.queries > 0) {
    const int64_t slot = o.seq_slot[item.seq];
    const int32_t low_page = static_cast<int32_t>(first_visible(item.first_position, o.window)) / 32;
    const int32_t high_page = (item.first_position + item.queries - 1) / 32;
    // Row of the lane's page in the cache, its keys; -1 without one. Lanes 0 to 3.
    const auto row_of = [&](int32_t tile) {
      const int32_t column = tile * Tile::kPages + lane;
      const int64_t page = lane < Tile::kPages && column >= low_page && column <= high_page ? pages.page_in(slot, column) : -1;
      return page < 0 ? -1 : static_cast<int32_t>((page * 2 * o.kv_heads + item.kv_head) * 32);
    };
    const auto start = [&](unsigned char* to, uint64_t* barrier, int32_t row) {
      if (lane == 0) arrive_expecting(barrier, Tile::kTileBytes);
      __syncwarp();
      if (lane < Tile::kPages) copy_box(to + lane * 32 * kDim, &maps.cache, barrier, 0, row < 0 ? maps.rows : row);
    };
    PrefillItem next{};
    int32_t row = row_of(item.high_tile);
    for (int32_t tile = item.high_tile; tile >= item.low_tile; tile--) {
      const int32_t next_row = tile > item.low_tile ? row_of(tile - 1) : -1;
      wait_phase(&barriers.k_empty[place.stage], place.phase ^ 1);
      start(k_memory + place.stage * Tile::kTileBytes, &barriers.k_full[place.stage], row);
      wait_phase(&barriers.raw_empty[place.stage], place.phase ^ 1);
      start(raw_memory + place.stage * Tile::kTileBytes, &barriers.raw_full[place.stage], row < 0 ? row : row + o.kv_heads * 32);
      row = next_row;
      place.step();
      // The rings are as full as they get: the queries of the next item come while this one is computed.
      if (tile == item.high_tile - 1 || item.high_tile == item.low_tile) {
        unsigned taken = 0;
        if (lane == 0) taken = atomicAdd(counter, 1u);
        next = prefill_item<Tile::kKeys>(o, static_cast<int64_t>(gridDim.x) + __shfl_sync(kFullWarp, taken, 0), min_queries);
        announce(next);
      }
    }
    item = next;
  }
}

// Warps 1 to 3: values of every tile from rows of keys to rows of columns. Keys after the item's last become 0: what nothing
// was written to may be anything.
template <int kDim>
__device__ __forceinline__ void turn_values(unsigned char* memory, PrefillBarriersF8& barriers, const PrefillItem (&shared)[2]) {
  using Tile = PrefillTileF8<kDim>;
  const int lane = threadIdx.x & 31, warp = (threadIdx.x >> 5) - 1, matrix = lane >> 3, r = lane & 7, t = lane & 3;
  const uint32_t raw_memory = shared_address(memory) + Tile::kQueryBytes + Tile::kStages * Tile::kTileBytes;
  const uint32_t turned_memory = raw_memory + Tile::kStages * Tile::kTileBytes;
  PrefillPlace item_place, place;
  for (;;) {
    wait_phase(&barriers.item_full[item_place.stage], item_place.phase);
    const PrefillItem item = shared[item_place.stage];
    __syncwarp();
    if (lane == 0) arrive(&barriers.item_empty[item_place.stage]);
    item_place.step();
    if (item.queries == 0) return;
    const int32_t last = item.first_position + item.queries - 1;
    for (int32_t tile = item.high_tile; tile >= item.low_tile; tile--) {
      const uint32_t raw = raw_memory + place.stage * Tile::kTileBytes, turned = turned_memory + place.stage * Tile::kTurnedBytes;
      wait_phase(&barriers.raw_full[place.stage], place.phase);
      wait_phase(&barriers.v_empty[place.stage], place.phase ^ 1);
#pragma unroll 2
      for (int unit = warp; unit < 4 * (kDim / 16); unit += 3) {
        const int keys = unit & 3, block = unit >> 2;  // 32 keys, 16 columns
        uint32_t words[4];
        load_matrices_transposed(words, raw + Tile::offset(keys * 32 + lane, block));
        if (tile == item.high_tile) {
          const int32_t left = last - tile * Tile::kKeys - keys * 32 - 2 * t;  // keys up to this one, from the thread's first
#pragma unroll
          for (int m = 0; m < 4; m++) words[m] = left < 8 * m ? 0 : left < 8 * m + 1 ? words[m] & 0xffff : words[m];
        }
        const int column = block * 16 + (matrix & 1) * 8 + r;
        store_matrices(turned + static_cast<uint32_t>(column * 128 + ((keys * 2 + (matrix >> 1)) ^ r) * 16), __byte_perm(words[0], words[1], 0x6420),
                       __byte_perm(words[0], words[1], 0x7531), __byte_perm(words[2], words[3], 0x6420), __byte_perm(words[2], words[3], 0x7531));
      }
      publish_shared_writes();
      __syncwarp();
      if (lane == 0) {
        arrive(&barriers.v_full[place.stage]);
        arrive(&barriers.raw_empty[place.stage]);
      }
      place.step();
    }
  }
}

#endif

}  // namespace trtllm::cuda

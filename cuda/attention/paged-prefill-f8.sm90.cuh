#pragma once
#include <trtllm/ptx/f8-pair.cuh>
#include <trtllm/ptx/ldmatrix.cuh>
#include <trtllm/ptx/warpgroup-mma-f8.sm90.cuh>

#include "paged-prefill.sm90.cuh"

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
  float* kept_sums = reinterpret_cast<float*>(memory + Tile::kQueryBytes + Tile::kStages * (2 * Tile::kTileBytes + Tile::kTurnedBytes)) + (threadIdx.x - 128);
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
      rows.template soften<kOffset>(scores, tile * kKeys, kept);
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
      init_barrier(&barriers.k_full[i], 1);
      init_barrier(&barriers.k_empty[i], kConsumers);
      init_barrier(&barriers.raw_full[i], 1);
      init_barrier(&barriers.raw_empty[i], kTurners);
      init_barrier(&barriers.v_full[i], kTurners);
      init_barrier(&barriers.v_empty[i], kConsumers);
    }
    publish_barriers();
  }
  // Rows of ones beside the turned values: their product is the sum of weights.
  for (int i = threadIdx.x; i < Tile::kStages * 256; i += kPrefillThreads) {
    unsigned char* ones = memory + Tile::kQueryBytes + Tile::kStages * 2 * Tile::kTileBytes + i / 256 * Tile::kTurnedBytes + kDim * 128;
    reinterpret_cast<uint32_t*>(ones)[i % 256] = 0x38383838;
  }
  publish_shared_writes();
  __syncthreads();
  if (threadIdx.x < 128) {
    give_registers_back<40>();
    if (threadIdx.x < 32) {
      produce_f8<kDim>(o, pages, maps, min_queries, counter, memory, barriers, items);
    } else {
      turn_values<kDim>(memory, barriers, items);
    }
  } else {
    take_registers<232>();
    consume_f8<T, kDim>(o, y, memory, barriers, items);
  }
#endif
}

}  // namespace trtllm::cuda

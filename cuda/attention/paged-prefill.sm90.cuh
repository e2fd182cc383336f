#pragma once
#include <trtllm/ptx/named-barrier.cuh>
#include <trtllm/ptx/tensor-copy.sm90.cuh>
#include <trtllm/ptx/warpgroup-mma.sm90.cuh>

#include "prefill-rows.sm90.cuh"

// softmax(scale * q k^T) v for sequences of several queries, f16 and bf16, head sizes 64, 128 and 256 (sm_90a).
// An item is one (sequence, kv head) and up to 128 rows: row r is query r / group of the item, head r % group of the kv head.
// Blocks stay on their multiprocessor and take items from a counter, a sequence's longest first. A block is a producer warp
// and two warpgroups of 64 rows each. The producer copies q and then keys and values, last to first, kKeys at a time
// and a page at a time, into rings of kStages. The warpgroups take turns to issue products, so that one's softmax hides
// behind the other's; within one, the product of keys i + 1 starts before the values of i are added.
// Tiles of keys start at multiples of kKeys in the sequence: a row's bits depend on nothing but its own sequence.
// Shared memory, 1,024-byte aligned: kQueryStages of q [kBlocks][128][64], then kStages of k and of v [kBlocks][kKeys][64], swizzled rows of
// 128 bytes. Numerics: scores and online softmax in f32 (base 2), weights rounded to T for the second product, f32 sums, one
// rounding. A row without a visible key gives 0. Positions without a key yet are zeros in v: unwritten memory may hold NaN.
namespace trtllm::cuda {

constexpr int kPrefillRows = 128, kPrefillThreads = 384;

template <int kDim>
struct PrefillTile {
  static constexpr int kKeys = kDim > 128 ? 64 : 128, kPages = kKeys / 32, kBlocks = kDim / 64, kStages = 2;
  static constexpr int kQueryStages = 1;  // an item ahead measured 3 % slower
  static constexpr int kQueryBytes = kPrefillRows * kDim * 2, kKeyBytes = kKeys * kDim * 2;
  static constexpr int kBytes = 1024 + kQueryStages * kQueryBytes + 2 * kStages * kKeyBytes;
};

// What the copy engine needs: q as [tokens, heads, kDim], the cache as rows of kDim (`rows` of them).
struct PrefillMaps {
  CUtensorMap q, cache;
  int32_t rows;
};

struct PrefillItem {
  int32_t queries;  // 0: no more items
  int32_t seq, first_position, first_token, kv_head, low_tile, high_tile;
};

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

struct PrefillBarriers {
  uint64_t q_full[2], q_empty[2], v_raw, k_full[4], k_empty[4], v_full[4], v_empty[4];
};

// Item `index` of the step; called by one whole warp.
template <int kKeys>
__device__ __forceinline__ PrefillItem prefill_item(const AttentionOperands& o, int64_t index, int32_t min_queries) {
  const int32_t group = o.heads / o.kv_heads, queries = kPrefillRows / group;
  const SequenceWork work = find_work(o.seqs, index, [&](int64_t s) {
    const int32_t count = o.seq_start[s + 1] - o.seq_start[s];
    return count < min_queries ? 0 : (count + queries - 1) / queries * o.kv_heads;
  });
  if (work.seq < 0) return PrefillItem{};
  const int32_t start = o.seq_start[work.seq], count = o.seq_start[work.seq + 1] - start;
  const int32_t tiles = (count + queries - 1) / queries, at = static_cast<int32_t>(work.item);
  const int32_t first_query = (tiles - 1 - at % tiles) * queries;
  PrefillItem item;
  item.seq = static_cast<int32_t>(work.seq);
  item.queries = count - first_query < queries ? count - first_query : queries;
  item.first_position = o.seq_context[work.seq] - count + first_query;
  item.first_token = start + first_query;
  item.kv_head = at / tiles;
  item.low_tile = static_cast<int32_t>(first_visible(item.first_position, o.window)) / kKeys;
  item.high_tile = (item.first_position + item.queries - 1) / kKeys;
  return item;
}

// The pages of a tile on their way to shared memory: a lane has one 64-element column block of one page.
template <int kDim, class Pages>
struct PageCopies {
  using Tile = PrefillTile<kDim>;
  const PrefillMaps& maps;
  const Pages& pages;
  int64_t slot;
  int32_t kv_head, kv_heads, low_page, high_page, lane;

  // Row of the lane's page in the cache, its keys; a row past the end (which the copy engine fills with 0) without a page.
  __device__ __forceinline__ int32_t row_of(int32_t tile) const {
    const int32_t column = tile * Tile::kPages + lane / Tile::kBlocks;
    const bool wanted = lane < Tile::kPages * Tile::kBlocks && column >= low_page && column <= high_page;
    const int64_t page = wanted ? pages.page_in(slot, column) : -1;
    return page < 0 ? -1 : static_cast<int32_t>((page * 2 * kv_heads + kv_head) * 32);
  }
  __device__ __forceinline__ void start(unsigned char* to, uint64_t* barrier, int32_t row, int part) const {
    if (lane == 0) arrive_expecting(barrier, Tile::kKeyBytes);
    __syncwarp();
    if (lane >= Tile::kPages * Tile::kBlocks) return;
    const int32_t page = lane / Tile::kBlocks, block = lane % Tile::kBlocks;
    copy_box(to + block * Tile::kKeys * 128 + page * 32 * 128, &maps.cache, barrier, block * 64,
             row < 0 ? maps.rows : row + part * kv_heads * 32);
  }
};

template <int kDim, class Pages>
__device__ __forceinline__ void produce(const AttentionOperands& o, const Pages& pages, const PrefillMaps& maps, int32_t min_queries,
                                        unsigned* counter, unsigned char* memory, PrefillBarriers& barriers, PrefillItem (&shared)[2]) {
  using Tile = PrefillTile<kDim>;
  const int lane = threadIdx.x & 31;
  const int32_t group = o.heads / o.kv_heads, queries = kPrefillRows / group;
  unsigned char* k_memory = memory + Tile::kQueryStages * Tile::kQueryBytes;
  unsigned char* v_memory = k_memory + Tile::kStages * Tile::kKeyBytes;
  uint32_t q_stage = 0, q_phase = 0, raw_phase = 0, stage = 0, phase = 0;
  int64_t index = blockIdx.x;
  for (;;) {
    const PrefillItem item = prefill_item<Tile::kKeys>(o, index, min_queries);
    const bool is_end = item.queries == 0;
    const int32_t context = o.seq_context[item.seq], last_position = item.first_position + item.queries - 1;
    const PageCopies<kDim, Pages> copies{
        maps, pages, o.seq_slot[item.seq], item.kv_head, o.kv_heads, static_cast<int32_t>(first_visible(item.first_position, o.window)) / 32,
        last_position / 32, lane};
    int32_t row = is_end ? -1 : copies.row_of(item.high_tile);
    wait_phase(&barriers.q_empty[q_stage], q_phase ^ 1);
    if (lane == 0) {
      shared[q_stage] = item;
      if (is_end) {
        arrive(&barriers.q_full[q_stage]);
      } else {
        arrive_expecting(&barriers.q_full[q_stage], queries * group * kDim * 2);
      }
    }
    __syncwarp();
    if (is_end) return;
    if (lane < Tile::kBlocks) {
      copy_box(memory + q_stage * Tile::kQueryBytes + lane * kPrefillRows * 128, &maps.q, &barriers.q_full[q_stage], lane * 64,
               item.kv_head * group, item.first_token);
    }
    if (++q_stage == Tile::kQueryStages) q_stage = 0, q_phase ^= 1;
    // Rows of the last page that no token has been written to.
    const int32_t tail = last_position / 32 == (context - 1) / 32 ? (32 - context % 32) % 32 : 0;
    unsigned char* unclean = nullptr;  // values whose tail is still to be cleared
    uint64_t* unclean_barrier = nullptr;
    const auto clear_tail = [&] {
      wait_phase(&barriers.v_raw, raw_phase);
      raw_phase ^= 1;
      const int32_t first = last_position / 32 * 32 - item.high_tile * Tile::kKeys + 32 - tail;
      for (int i = lane; i < tail * Tile::kBlocks * 8; i += 32) {
        const int block = i / (tail * 8), at = i - block * tail * 8;
        *reinterpret_cast<uint4*>(unclean + (block * Tile::kKeys + first) * 128 + at * 16) = uint4{0, 0, 0, 0};
      }
      publish_shared_writes();
      __syncwarp();
      if (lane == 0) arrive(unclean_barrier);
      unclean = nullptr;
    };
    for (int32_t tile = item.high_tile; tile >= item.low_tile; tile--) {
      const int32_t next = tile > item.low_tile ? copies.row_of(tile - 1) : 0;
      wait_phase(&barriers.k_empty[stage], phase ^ 1);
      copies.start(k_memory + stage * Tile::kKeyBytes, &barriers.k_full[stage], row, 0);
      if (unclean != nullptr) clear_tail();
      wait_phase(&barriers.v_empty[stage], phase ^ 1);
      const bool is_unclean = tail > 0 && tile == item.high_tile;
      copies.start(v_memory + stage * Tile::kKeyBytes, is_unclean ? &barriers.v_raw : &barriers.v_full[stage], row, 1);
      if (is_unclean) {
        unclean = v_memory + stage * Tile::kKeyBytes;
        unclean_barrier = &barriers.v_full[stage];
      }
      row = next;
      if (++stage == Tile::kStages) stage = 0, phase ^= 1;
    }
    if (unclean != nullptr) clear_tail();
    unsigned taken = 0;
    if (lane == 0) taken = atomicAdd(counter, 1u);
    index = static_cast<int64_t>(gridDim.x) + __shfl_sync(kFullWarp, taken, 0);
  }
}

// Named barriers 1 and 2: the turn of warpgroup 0 and 1.
__device__ __forceinline__ void take_turn(int warpgroup) { wait_at_barrier(1 + warpgroup, 256); }
__device__ __forceinline__ void give_turn(int warpgroup) { arrive_at_barrier(2 - warpgroup, 256); }

template <class T, int kDim>
__device__ __forceinline__ void consume(const AttentionOperands& o, T* y, unsigned char* memory, PrefillBarriers& barriers,
                                        const PrefillItem (&shared)[2]) {
  using Tile = PrefillTile<kDim>;
  constexpr int kKeys = Tile::kKeys;
  const int warpgroup = (threadIdx.x >> 7) - 1, lane = threadIdx.x & 31;
  const uint32_t base = shared_address(memory);
  const uint64_t q = swizzled_rows(base + warpgroup * 64 * 128);
  const uint64_t k = swizzled_rows(base + Tile::kQueryStages * Tile::kQueryBytes);
  const uint64_t v = swizzled_rows(base + Tile::kQueryStages * Tile::kQueryBytes + Tile::kStages * Tile::kKeyBytes, kKeys * 128);
  uint32_t q_stage = 0, q_phase = 0, k_stage = 0, k_phase = 0, v_stage = 0, v_phase = 0;
  if (warpgroup == 1) give_turn(1);
  const auto release = [&](uint64_t* barrier) {
    __syncwarp();
    if (lane == 0) arrive(barrier);
  };
  for (;;) {
    wait_phase(&barriers.q_full[q_stage], q_phase);
    const PrefillItem item = shared[q_stage];
    if (item.queries == 0) break;
    PrefillRows rows(o, item.first_position, item.queries, warpgroup);
    float sums[kDim / 2] = {}, scores[kKeys / 2];
    uint32_t weights[kKeys / 16][4];
    const auto start_scores = [&] {
      wait_phase(&barriers.k_full[k_stage], k_phase);
      take_turn(warpgroup);
      order_registers();
#pragma unroll
      for (int block = 0; block < Tile::kBlocks; block++) {
#pragma unroll
        for (int step = 0; step < 4; step++) {
          multiply_shared(scores, q + ((q_stage * Tile::kQueryBytes + block * kPrefillRows * 128 + step * 32) >> 4),
                          k + ((k_stage * Tile::kKeyBytes + block * kKeys * 128 + step * 32) >> 4), block + step > 0, T());
        }
      }
      close_group();
    };
    const auto start_sums = [&] {
      wait_phase(&barriers.v_full[v_stage], v_phase);
      order_registers();
#pragma unroll
      for (int step = 0; step < kKeys / 16; step++) {
        multiply_registers(sums, weights[step], v + ((v_stage * Tile::kKeyBytes + step * 16 * 128) >> 4), T());
      }
      close_group();
    };
    const auto end_scores = [&] {
      settle(scores);
      release(&barriers.k_empty[k_stage]);
      if (++k_stage == Tile::kStages) k_stage = 0, k_phase ^= 1;
    };
    const auto end_sums = [&] {
      wait_groups<0>();
      settle(sums);
      release(&barriers.v_empty[v_stage]);
      if (++v_stage == Tile::kStages) v_stage = 0, v_phase ^= 1;
    };

    start_scores();
    give_turn(warpgroup);
    wait_groups<0>();
    end_scores();
    float kept[2];
    rows.soften(scores, item.high_tile * kKeys, kept);
    pack_weights<T>(weights, scores);
    for (int32_t tile = item.high_tile - 1; tile >= item.low_tile; tile--) {
      start_scores();
      start_sums();
      give_turn(warpgroup);
      wait_groups<1>();
      end_scores();
      rows.soften(scores, tile * kKeys, kept);
      end_sums();
#pragma unroll
      for (int i = 0; i < kDim / 2; i++) sums[i] *= kept[i / 2 % 2];
      pack_weights<T>(weights, scores);
    }
    release(&barriers.q_empty[q_stage]);
    if (++q_stage == Tile::kQueryStages) q_stage = 0, q_phase ^= 1;
    start_sums();
    end_sums();
    rows.store(sums, y, item.first_token, item.kv_head);
  }
}

#endif

template <class T, class Pages, int kDim>
__global__ void __launch_bounds__(kPrefillThreads, 1)
    paged_prefill_kernel(AttentionOperands o, Pages pages, const __grid_constant__ PrefillMaps maps, T* y, unsigned* counter, int32_t min_queries) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  using Tile = PrefillTile<kDim>;
  extern __shared__ unsigned char unaligned_memory[];
  __shared__ PrefillBarriers barriers;
  __shared__ PrefillItem items[2];
  unsigned char* memory = unaligned_memory + (1024 - shared_address(unaligned_memory) % 1024) % 1024;
  if (threadIdx.x == 0) {
    constexpr int kConsumerWarps = 8;
    for (int i = 0; i < Tile::kQueryStages; i++) {
      init_barrier(&barriers.q_full[i], 1);
      init_barrier(&barriers.q_empty[i], kConsumerWarps);
    }
    init_barrier(&barriers.v_raw, 1);
    for (int i = 0; i < Tile::kStages; i++) {
      init_barrier(&barriers.k_full[i], 1);
      init_barrier(&barriers.v_full[i], 1);
      init_barrier(&barriers.k_empty[i], kConsumerWarps);
      init_barrier(&barriers.v_empty[i], kConsumerWarps);
    }
    publish_barriers();
  }
  __syncthreads();
  if (threadIdx.x < 128) {
    give_registers_back<40>();
    if (threadIdx.x < 32) produce<kDim>(o, pages, maps, min_queries, counter, memory, barriers, items);
  } else {
    take_registers<232>();
    consume<T, kDim>(o, y, memory, barriers, items);
  }
#endif
}

}  // namespace trtllm::cuda

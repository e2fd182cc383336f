#pragma once
#include "product-sums.sm90.cuh"
#include "product-write.sm90.cuh"

// y = x * weight^T with scales and bias on sm_90a, for more rows than a stream of the weight carries: tiles of tensor-core products.
// A block stays on its multiprocessor and takes every gridDim.x-th tile. kGroups warpgroups multiply, each with its share of a tile's rows
// of a; of a last warpgroup one thread keeps the copy engine busy with stages of 128 bytes of k, and one warp fetches scales, bias and
// place of the tile after this one. Where the last round of tiles would leave half of the multiprocessors idle, its tiles are halved.
// With few rows the weight is operand a, 64 columns of y at a time, and a tile's rows are just as many as there are; the results are
// turned on their way to shared memory.
// Numerics: f32 sums. plain: all of k in the tensor cores, which for f8 keep about 14 bits of a sum as long as it grows; blocks: 128 k
// at a time, then f32. One rounding. Bits depend on the shape of the tile, hence on the number of rows.
// Shared memory: ProductMemory (product-parts.sm90.cuh). Grid: at most one block a multiprocessor.
namespace trtllm::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

template <class Tile>
__device__ __forceinline__ void copy_stages(const ProductOperands& o, const ProductMemory<Tile>& memory) {
  constexpr int kBox = Tile::kN / Tile::kBoxes;
  RingCursor<Tile::kStages> at;
  for (int item = static_cast<int>(blockIdx.x); item < product_items<Tile>(o); item += static_cast<int>(gridDim.x)) {
    const ProductPlace place = place_of<Tile>(o, item);
    for (int i = 0; i < o.stretches; i++, at.advance()) {
      uint64_t* full = memory.full(at.stage);
      unsigned char* a = memory.stage(at.stage);
      wait_phase(memory.empty(at.stage), at.parity ^ 1);
      arrive_expecting(full, static_cast<uint32_t>((Tile::kM + place.width) * 128));
      copy_box(a, &o.a, full, i * Tile::kDepth, place.m0);
      for (int box = 0; box * kBox < place.width; box++) {
        unsigned char* b = a + (Tile::kM + box * kBox) * 128;
        copy_box(b, &o.b, full, i * Tile::kDepth, place.n0 + box * kBox);
      }
    }
  }
}

template <class Tile>
__device__ __forceinline__ void fetch_info(const ProductOperands& o, const ProductMemory<Tile>& memory, int lane) {
  constexpr int kM = Tile::kM, kN = Tile::kN;
  int turn = 0;
  for (int item = static_cast<int>(blockIdx.x); item < product_items<Tile>(o); item += static_cast<int>(gridDim.x), turn++) {
    const ProductPlace place = place_of<Tile>(o, item);
    const int slot = turn & 1;
    float* info = memory.info(slot);
    wait_phase(memory.written(slot), (turn >> 1 & 1) ^ 1);
    if constexpr (Tile::kRowScales) {
#pragma unroll 4
      for (int i = lane; i < kM; i += 32) info[i] = place.m0 + i < o.m ? o.a_scale[place.m0 + i] : 0.0f;
#pragma unroll 4
      for (int i = lane; i < kN; i += 32) info[kM + i] = place.n0 + i < o.n ? o.b_scale[place.n0 + i] : 0.0f;
    }
    if (o.bias != nullptr) {
      const auto* bias = static_cast<const typename Tile::T*>(o.bias);
      for (int i = lane; i < Tile::kColumns; i += 32) {
        const int column = (Tile::kWeightFirst ? place.m0 : place.n0) + i;
        info[kM + kN + i] = column < (Tile::kWeightFirst ? o.m : o.n) ? to_f32(bias[column]) : 0.0f;
      }
    }
    if (lane == 0) *reinterpret_cast<int4*>(info + kM + kN + Tile::kColumns) = make_int4(place.m0, place.n0, place.width, 0);
    arrive(memory.known(slot));
  }
}

template <class Tile>
__device__ __forceinline__ void make_tiles(const ProductOperands& o, const ProductMemory<Tile>& memory, int warp, int lane) {
  constexpr int kN = Tile::kN;
  const int group = warp >> 2;
  ProductWriter<Tile> writer{o, memory.buffers(Tile::kWeightFirst ? group : warp), warp, lane};
  RingCursor<Tile::kStages> at;
  int turn = 0;
  for (int item = static_cast<int>(blockIdx.x); item < product_items<Tile>(o); item += static_cast<int>(gridDim.x), turn++) {
    const int slot = turn & 1;
    const float* info = memory.info(slot);
    wait_phase(memory.known(slot), turn >> 1 & 1);
    const int4 where = *reinterpret_cast<const int4*>(info + Tile::kM + kN + Tile::kColumns);
    const ProductPlace place{where.x, where.y, where.z};
    float sum[Tile::kTiles][kN / 2];
    if constexpr (Tile::kForm == ProductForm::blocks) {
      const int row = Tile::kWeightFirst ? place.n0 + 2 * (lane & 3) : place.m0 + group * (64 * Tile::kTiles) + (warp & 3) * 16 + (lane >> 2);
      block_sums(sum, memory, at, o, place, row, group, lane);
    } else if (!Tile::kHalves || place.width == kN) {
      plain_sums<Tile, kN>(sum, memory, at, o.stretches, group, lane);
    } else if constexpr (Tile::kHalves) {
      plain_sums<Tile, kN / 2>(sum, memory, at, o.stretches, group, lane);
    }
    writer.write(sum, info, place);
    if (lane == 0) arrive(memory.written(slot));
  }
  writer.finish();
}

#endif

template <class Tile>
__global__ void __launch_bounds__(Tile::kThreads, 1) product_tile_kernel(const __grid_constant__ ProductOperands o) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  extern __shared__ __align__(1024) unsigned char ring[];
  const ProductMemory<Tile> memory{ring};
  const int warp = static_cast<int>(threadIdx.x) >> 5, lane = static_cast<int>(threadIdx.x) & 31;
  if (threadIdx.x == 0) {
    for (int i = 0; i < Tile::kStages; i++) {
      init_barrier(memory.full(i), 1);
      init_barrier(memory.empty(i), Tile::kGroups * 4);
    }
    for (int slot = 0; slot < 2; slot++) {
      init_barrier(memory.known(slot), 32);
      init_barrier(memory.written(slot), Tile::kGroups * 4);
    }
    publish_barriers();
  }
  __syncthreads();
  if (warp >= Tile::kGroups * 4) {
    if constexpr (Tile::kGroups == 2) give_registers_back<40>();
    if constexpr (Tile::kGroups == 3) give_registers_back<32>();
    if (warp == Tile::kGroups * 4 && lane == 0) copy_stages(o, memory);
    if (warp == Tile::kGroups * 4 + 1) fetch_info(o, memory, lane);
  } else {
    if constexpr (Tile::kGroups == 2) take_registers<232>();
    if constexpr (Tile::kGroups == 3) take_registers<160>();
    make_tiles(o, memory, warp, lane);
  }
#endif
}

}  // namespace trtllm::cuda

#pragma once
#include "product-parts.sm90.cuh"

// The sums of one tile of a product: what a warpgroup does between waiting for stages and giving them back.
namespace trtllm::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

// One stage: kWidth rows of b.
template <class Tile, int kWidth>
__device__ __forceinline__ void multiply_stage(float (&sum)[Tile::kTiles][Tile::kN / 2], const unsigned char* stage, int group, bool add) {
  const uint32_t base = shared_address(stage);
  const uint64_t a = swizzled_rows(base + group * (64 * Tile::kTiles * 128)), b = swizzled_rows(base + Tile::kM * 128);
  order_registers();
#pragma unroll
  for (int step = 0; step < 4; step++) {  // 32 bytes of k each
#pragma unroll
    for (int i = 0; i < Tile::kTiles; i++) {
      multiply_tile(reinterpret_cast<float(&)[kWidth / 2]>(sum[i]), a + i * 512 + 2 * step, b + 2 * step, add || step > 0, typename Tile::E());
    }
  }
  close_group();
}

template <class Tile, class Cursor>
__device__ __forceinline__ void give_back(const ProductMemory<Tile>& memory, const Cursor& at, int lane) {
  if (lane == 0) arrive(memory.empty(at.stage));
}

// All of k in the tensor cores, one stage's products under way while the last one's are waited for.
template <class Tile, int kWidth, class Cursor>
__device__ __forceinline__ void plain_sums(float (&sum)[Tile::kTiles][Tile::kN / 2], const ProductMemory<Tile>& memory, Cursor& at, int stretches,
                                           int group, int lane) {
  Cursor last = at;
  for (int i = 0; i < stretches; i++) {
    wait_phase(memory.full(at.stage), at.parity);
    multiply_stage<Tile, kWidth>(sum, memory.stage(at.stage), group, i > 0);
    if (i > 0) {
      wait_groups<1>();
      give_back(memory, last, lane);
    }
    last = at;
    at.advance();
  }
  wait_groups<0>();
#pragma unroll
  for (int i = 0; i < Tile::kTiles; i++) settle(reinterpret_cast<float(&)[kWidth / 2]>(sum[i]));
  give_back(memory, last, lane);
}

// The scales of one stretch: what a thread multiplies its sums with.
template <class Tile>
struct StretchScales {
  static constexpr int kRuns = Tile::kWeightFirst ? Tile::kN / 4 : 2 * Tile::kTiles;
  float run[kRuns], block;

  // `row`: this thread's first row of x (of a: at 8, 64, 72 further on there are others; of b: pairs, 8 apart).
  __device__ __forceinline__ void load(const ProductOperands& o, const ProductPlace& place, int row, int stretch) {
    const bool inside = stretch < o.stretches;
    const int rows = Tile::kWeightFirst ? o.n : o.m, column = Tile::kWeightFirst ? place.m0 : place.n0;
    block = inside ? o.block_scale[column / 128 * o.stretches + stretch] : 0.0f;
#pragma unroll
    for (int i = 0; i < kRuns; i++) {
      const int at = row + (Tile::kWeightFirst ? i / 2 * 8 + i % 2 : i / 2 * 64 + i % 2 * 8);
      run[i] = inside && at < rows ? o.run_scale[static_cast<int64_t>(at) * o.stretches + stretch] : 0.0f;
    }
  }
  __device__ __forceinline__ float of(int tile, int j) const {
    return run[Tile::kWeightFirst ? j / 4 * 2 + j % 2 : tile * 2 + j % 4 / 2];
  }
};

// A stretch of 128 k at a time: its sums are scaled, then added to others in f32.
template <class Tile, class Cursor>
__device__ __forceinline__ void block_sums(float (&sum)[Tile::kTiles][Tile::kN / 2], const ProductMemory<Tile>& memory, Cursor& at,
                                           const ProductOperands& o, const ProductPlace& place, int row, int group, int lane) {
#pragma unroll
  for (int i = 0; i < Tile::kTiles; i++) {
#pragma unroll
    for (int j = 0; j < Tile::kN / 2; j++) sum[i][j] = 0;
  }
  StretchScales<Tile> now, next;
  now.load(o, place, row, 0);
  for (int stretch = 0; stretch < o.stretches; stretch++) {
    next.load(o, place, row, stretch + 1);
    wait_phase(memory.full(at.stage), at.parity);
    float part[Tile::kTiles][Tile::kN / 2];
    multiply_stage<Tile, Tile::kN>(part, memory.stage(at.stage), group, false);
    wait_groups<0>();
#pragma unroll
    for (int i = 0; i < Tile::kTiles; i++) settle(part[i]);
    give_back(memory, at, lane);
    at.advance();
#pragma unroll
    for (int i = 0; i < Tile::kTiles; i++) {
#pragma unroll
      for (int j = 0; j < Tile::kN / 2; j++) sum[i][j] = fmaf(part[i][j], now.of(i, j) * now.block, sum[i][j]);
    }
    now = next;
  }
}

#endif

}  // namespace trtllm::cuda

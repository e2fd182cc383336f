#pragma once
#include <trtllm/reduce.cuh>
#include <trtllm/vector-io.cuh>

// What kernels of expert linears share (what they compute: packages/kernels/ops/expert-linear/expert-linear.op.ts): operands,
// which expert a tile of rows is for, and what becomes of a sum.
namespace trtllm::cuda {

enum class Gate : int { none = 0, silu = 1, gelu_tanh = 2, clamped = 3 };

struct ExpertOperands {
  const void *x, *weight, *bias;  // bias may be null
  const float* scale;             // by pair; may be null
  const int32_t *order, *offsets;
  void* y;
  int64_t pairs, in, out, width;  // width is out / 2 where outputs are gated
  int64_t x_stride, y_stride, bias_stride;
  int experts, fan_out;
  Gate gate;
  float limit, alpha;
};

// Places [first, first + rows) of one expert; none where rows is 0.
struct ExpertTile {
  int expert, first, rows;
};

// Tile number `tile` where each expert's places are cut into tiles of at most kRows. HAZARD: a whole warp calls it.
template <int kRows>
__device__ __forceinline__ ExpertTile find_expert_tile(const int32_t* offsets, int experts, int tile, int lane) {
  int before = 0;
  for (int chunk = 0; chunk < experts; chunk += 32) {
    const int e = chunk + lane;
    const int first = e < experts ? offsets[e] : 0, end = e < experts ? offsets[e + 1] : 0;
    const int tiles = (end - first + kRows - 1) / kRows;
    int inclusive = tiles;
#pragma unroll
    for (int step = 1; step < 32; step *= 2) {
      const int other = __shfl_up_sync(kFullWarp, inclusive, step);
      if (lane >= step) inclusive += other;
    }
    const int own = tile - before - (inclusive - tiles);  // number of the tile within this lane's expert
    const uint32_t found = __ballot_sync(kFullWarp, own >= 0 && own < tiles);
    if (found != 0) {
      const int holder = __ffs(found) - 1;
      const int row = first + own * kRows;
      return {chunk + holder, __shfl_sync(kFullWarp, row, holder), __shfl_sync(kFullWarp, min(kRows, end - row), holder)};
    }
    before += __shfl_sync(kFullWarp, inclusive, 31);
  }
  return {0, 0, 0};
}

// As many tiles as places can be cut into, whoever they belong to.
inline int64_t most_expert_tiles(int64_t pairs, int64_t experts, int64_t rows) {
  return pairs / rows + (pairs < experts ? pairs : experts);
}

__device__ __forceinline__ float gated(Gate gate, float g, float u, float limit, float alpha) {
  if (gate == Gate::silu) return g / (1.0f + expf(-g)) * u;
  if (gate == Gate::gelu_tanh) return g / (1.0f + expf(-2.0f * 0.797884561f * fmaf(g * g * g, 0.044715f, g))) * u;
  const float low = fminf(g, limit);
  return low / (1.0f + expf(-alpha * low)) * (fminf(fmaxf(u, -limit), limit) + 1.0f);
}

// Row of x that place `place` reads.
__device__ __forceinline__ int64_t row_of_place(const ExpertOperands& o, int place) {
  return o.fan_out > 0 ? o.order[place] / o.fan_out : place;
}

__device__ __forceinline__ float scale_of_place(const ExpertOperands& o, int place) {
  return o.scale != nullptr ? o.scale[o.order[place]] : 1.0f;
}

template <class T>
__device__ __forceinline__ float bias_of(const ExpertOperands& o, int expert, int64_t output) {
  return o.bias != nullptr ? to_f32(static_cast<const T*>(o.bias)[expert * o.bias_stride + output]) : 0.0f;
}

}  // namespace trtllm::cuda

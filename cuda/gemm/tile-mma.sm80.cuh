#pragma once
#include <trtllm/ptx/mma.cuh>

#include "stream-parts.cuh"

// y = x * weight^T + bias on tensor cores (mma.sync m16n8k16), f16 and bf16, any sizes.
// A block of 4 warps owns 64 rows x 64 columns of y; warp (i, j) of 2 x 2 owns 32 x 32: 2 x 4 tiles of 16 x 8. k advances by 32.
// Shared memory: x[64][40] and weight[64][40] elements, 10 KB; 8 elements of padding put the 32 fragment words of a warp in
// 32 banks (row stride 20 words: 20 g + t mod 32 are distinct for g < 8, t < 4). The next k stretch waits in registers.
// Elements beyond the matrices read as zero. f32 accumulators, one rounding.
// Grid: x = column tiles * row tiles, rows fastest, so that neighbours share a weight tile in L2.
namespace trtllm::cuda {

constexpr int kTileRows = 64, kTileColumns = 64, kTileDepth = 32, kTileStride = 40;

// One thread's two packs of a 64 x 32 stretch of a row-major matrix.
template <class T, bool kPacked>
struct TileLoad {
  Pack<T> pack[2];

  __device__ __forceinline__ void load(const T* matrix, int64_t rows, int64_t depth, int64_t stride, int64_t first_row, int64_t k) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int unit = threadIdx.x + i * 128;
      const int64_t row = first_row + unit / 4, at = k + unit % 4 * 8;
      pack[i] = Pack<T>{};
      if (row >= rows) continue;
      const T* from = matrix + row * stride + at;
      if constexpr (kPacked) {
        if (at < depth) pack[i] = load_pack(from);  // depth is a multiple of 8
      } else {
#pragma unroll
        for (int j = 0; j < 8; j++) {
          if (at + j < depth) pack[i].at[j] = from[j];
        }
      }
    }
  }

  __device__ __forceinline__ void store(T* tile) const {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int unit = threadIdx.x + i * 128;
      store_pack(tile + unit / 4 * kTileStride + unit % 4 * 8, pack[i]);
    }
  }
};

template <class T>
__device__ __forceinline__ uint32_t tile_word(const T* tile, int row, int k) {
  return *reinterpret_cast<const uint32_t*>(tile + row * kTileStride + k);
}

template <class T, class Y, bool kPacked>
__global__ void __launch_bounds__(128) linear_tile_mma_kernel(LinearOperands o, int64_t row_tiles) {
  __shared__ alignas(16) T x_tile[kTileRows * kTileStride];
  __shared__ alignas(16) T weight_tile[kTileColumns * kTileStride];
  const int64_t first_row = blockIdx.x % row_tiles * kTileRows, first_column = blockIdx.x / row_tiles * kTileColumns;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
  const int warp_row = (warp & 1) * 32, warp_column = (warp >> 1) * 32;
  const T* x = static_cast<const T*>(o.x);
  const T* weight = static_cast<const T*>(o.weight);
  float sums[2][4][4] = {};
  TileLoad<T, kPacked> next_x, next_weight;
  next_x.load(x, o.rows, o.in, o.x_stride, first_row, 0);
  next_weight.load(weight, o.out, o.in, o.weight_stride, first_column, 0);
  for (int64_t k = 0; k < o.in; k += kTileDepth) {
    __syncthreads();  // everyone is done with the last stretch
    next_x.store(x_tile);
    next_weight.store(weight_tile);
    __syncthreads();
    if (k + kTileDepth < o.in) {
      next_x.load(x, o.rows, o.in, o.x_stride, first_row, k + kTileDepth);
      next_weight.load(weight, o.out, o.in, o.weight_stride, first_column, k + kTileDepth);
    }
#pragma unroll
    for (int depth = 0; depth < kTileDepth; depth += 16) {
      uint32_t a[2][4], b[4][2];
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const int row = warp_row + i * 16 + g;
        a[i][0] = tile_word(x_tile, row, depth + 2 * t);
        a[i][1] = tile_word(x_tile, row + 8, depth + 2 * t);
        a[i][2] = tile_word(x_tile, row, depth + 2 * t + 8);
        a[i][3] = tile_word(x_tile, row + 8, depth + 2 * t + 8);
      }
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const int column = warp_column + j * 8 + g;
        b[j][0] = tile_word(weight_tile, column, depth + 2 * t);
        b[j][1] = tile_word(weight_tile, column, depth + 2 * t + 8);
      }
#pragma unroll
      for (int i = 0; i < 2; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) mma_16x8x16(sums[i][j], a[i], b[j], T());
      }
    }
  }
  Y* y = static_cast<Y*>(o.y);
  const T* bias = static_cast<const T*>(o.bias);
#pragma unroll
  for (int i = 0; i < 2; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const int64_t row = first_row + warp_row + i * 16 + g + e / 2 * 8;
        const int64_t column = first_column + warp_column + j * 8 + 2 * t + e % 2;
        if (row >= o.rows || column >= o.out) continue;
        y[row * o.y_stride + column] = from_f32<Y>(sums[i][j][e] + (bias != nullptr ? to_f32(bias[column]) : 0.0f));
      }
    }
  }
}

}  // namespace trtllm::cuda

#pragma once
#include "product-parts.sm90.cuh"

// The end of a tile of a product: scales, bias and rounding, and the way out through shared memory and the copy engine.
namespace trtllm::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

template <class Tile>
struct ProductWriter {
  using T = typename Tile::T;
  static constexpr int kM = Tile::kM, kN = Tile::kN, kChunk = Tile::kChunk;
  using Sums = float[kN / 2];

  const ProductOperands& o;
  unsigned char* buffers;
  int warp, lane, turn = 0;

  __device__ __forceinline__ void write(float (&sum)[Tile::kTiles][kN / 2], const float* info, const ProductPlace& place) {
#pragma unroll
    for (int i = 0; i < Tile::kTiles; i++) {
      const int row = (warp >> 2) * (64 * Tile::kTiles) + i * 64;
      write_rows(sum[i], info, place, row);
    }
  }
  __device__ __forceinline__ void finish() {
    if (leads()) wait_stores_read<0>();
  }

 private:
  // Those who share a buffer: a warpgroup, or a warp.
  __device__ __forceinline__ bool leads() const { return lane == 0 && (!Tile::kWeightFirst || warp % 4 == 0); }
  __device__ __forceinline__ void meet() const {
    if constexpr (Tile::kWeightFirst) {
      wait_at_barrier(1 + (warp >> 2), 128);
    } else {
      __syncwarp();
    }
  }
  template <class Fill>
  __device__ __forceinline__ void send(int x, int y, Fill&& fill) {
    if (leads()) wait_stores_read<1>();
    meet();
    unsigned char* buffer = buffers + turn * Tile::kBufferBytes;
    turn ^= 1;
    fill(shared_address(buffer));
    publish_shared_writes();
    meet();
    if (leads()) {
      store_box(&o.y, buffer, x, y);
      close_stores();
    }
  }
  __device__ __forceinline__ static uint32_t place_in(uint32_t buffer, int row, int unit) {
    return buffer + row * 128 + (unit ^ (row & 7)) * 16;
  }

  // Element e of the sums 4 j .. 4 j + 3, done: `row` is the first of 64 rows of a within the tile.
  __device__ __forceinline__ float value(const Sums& d, const float* info, int row, int j, int e) const {
    const int m = row + (warp & 3) * 16 + (lane >> 2) + e / 2 * 8, n = 8 * j + 2 * (lane & 3) + e % 2;
    float result = d[4 * j + e];
    if constexpr (Tile::kRowScales) result *= info[m] * info[kM + n];
    if (o.bias != nullptr) result += info[kM + kN + (Tile::kWeightFirst ? m : n)];
    return result;
  }
  __device__ __forceinline__ uint32_t pair(const Sums& d, const float* info, int row, int j, int e) const {
    return pack_pair<T>(value(d, info, row, j, e), value(d, info, row, j, e + 1));
  }

  __device__ __forceinline__ void write_rows(const Sums& d, const float* info, const ProductPlace& place, int row) {
    const int matrix = lane >> 3, in_matrix = lane & 7;
#pragma unroll
    for (int c = 0; c < kN / kChunk; c++) {
      if (Tile::kHalves && c * kChunk >= place.width) break;
      if constexpr (Tile::kWeightFirst) {
        send(place.m0 + row, place.n0 + c * kChunk, [&](uint32_t buffer) {
#pragma unroll
          for (int q = 0; q < kChunk / 16; q++) {
            const int j = c * (kChunk / 8) + 2 * q;
            store_matrices_transposed(place_in(buffer, (2 * q + (matrix >> 1)) * 8 + in_matrix, 2 * (warp & 3) + (matrix & 1)),
                                      pair(d, info, row, j, 0), pair(d, info, row, j, 2), pair(d, info, row, j + 1, 0),
                                      pair(d, info, row, j + 1, 2));
          }
        });
      } else {
        send(place.n0 + c * kChunk, place.m0 + row + (warp & 3) * 16, [&](uint32_t buffer) {
#pragma unroll
          for (int q = 0; q < 4; q++) {
            const int j = 8 * c + 2 * q;
            store_matrices(place_in(buffer, (matrix & 1) * 8 + in_matrix, 2 * q + (matrix >> 1)), pair(d, info, row, j, 0),
                           pair(d, info, row, j, 2), pair(d, info, row, j + 1, 0), pair(d, info, row, j + 1, 2));
          }
        });
      }
    }
  }
};

#endif

}  // namespace trtllm::cuda

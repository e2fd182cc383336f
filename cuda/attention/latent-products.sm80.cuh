#pragma once
#include <trtllm/ptx/ldmatrix.cuh>
#include <trtllm/ptx/mma.cuh>
#include <trtllm/vector-io.cuh>

#include "latent-attention.cuh"
#include "online-softmax.sm80.cuh"

// The products around attention over latents on tensor cores, f16 and bf16 (sm_80 and later), each head by itself:
//   latent_absorb_tile_kernel   queries[token, head] = (K_h^T q, q_pe)
//   latent_values_tile_kernel   y[token, head] = V_h sums
// Grid: x = blocks of 64 columns, y = heads, z = blocks of 64 tokens. A warp has 16 columns of all the block's tokens, so that
// few tokens keep all warps busy. Both operands come 128 of the depth at a time; the next lie in registers meanwhile.
// Shared memory: rows [64][128 + 8]; weights [128][64 + 8] (K_h, depth by depth) or [64][128 + 8] (V_h, column by column).
// Numerics: f32 sums, one rounding. Strides are multiples of 8 elements, pointers of 16 bytes.
namespace trtllm::cuda {

constexpr int kProductTokens = 64, kProductColumns = 64, kProductDepth = 128, kProductThreads = 128;

// One head's operands: rows [rows, depth]; weights [depth, columns], or [columns, depth] where they are by columns.
template <class T>
struct LatentProduct {
  const T *rows, *weights;
  int64_t row_stride, weight_stride;
  int num_rows, depth, columns;
};

// sums[i][j]: tile of rows 16i, columns 16 warp + 8j, as mma.cuh has them.
template <bool kByColumns, class T>
__device__ __forceinline__ void multiply_latent_tile(const LatentProduct<T>& o, float (&sums)[4][2][4]) {
  constexpr int kRowStride = kProductDepth + 8, kWeightRows = kByColumns ? kProductColumns : kProductDepth;
  constexpr int kWeightColumns = kByColumns ? kProductDepth : kProductColumns, kWeightStride = kWeightColumns + 8;
  constexpr int kPacks = kProductTokens * kProductDepth / 8 / kProductThreads;
  static_assert(kWeightRows * kWeightColumns == kProductTokens * kProductDepth, "as many packs of either");
  __shared__ uint4 row_memory[kProductTokens * kRowStride / 8], weight_memory[kWeightRows * kWeightStride / 8];
  T* rows = reinterpret_cast<T*>(row_memory);
  T* weights = reinterpret_cast<T*>(weight_memory);
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  Pack<T> next_rows[kPacks], next_weights[kPacks];
  const auto fetch = [&](int depth) {
#pragma unroll
    for (int i = 0; i < kPacks; i++) {
      const int unit = threadIdx.x + i * kProductThreads;
      const int row = unit / (kProductDepth / 8), at = depth + unit % (kProductDepth / 8) * 8;
      next_rows[i] = row < o.num_rows && at < o.depth ? load_pack(o.rows + row * o.row_stride + at) : Pack<T>{};
      const int line = unit / (kWeightColumns / 8), in_line = unit % (kWeightColumns / 8) * 8;
      const int k = depth + (kByColumns ? in_line : line), n = kByColumns ? line : in_line;
      const T* from = o.weights + (kByColumns ? n * o.weight_stride + k : k * o.weight_stride + n);
      next_weights[i] = k < o.depth && n < o.columns ? load_pack(from) : Pack<T>{};
    }
  };
  fetch(0);
  for (int depth = 0; depth < o.depth; depth += kProductDepth) {
    if (depth > 0) __syncthreads();  // everyone is done with the last ones
#pragma unroll
    for (int i = 0; i < kPacks; i++) {
      const int unit = threadIdx.x + i * kProductThreads;
      store_pack(rows + unit / (kProductDepth / 8) * kRowStride + unit % (kProductDepth / 8) * 8, next_rows[i]);
      store_pack(weights + unit / (kWeightColumns / 8) * kWeightStride + unit % (kWeightColumns / 8) * 8, next_weights[i]);
    }
    __syncthreads();
    if (depth + kProductDepth < o.depth) fetch(depth + kProductDepth);
#pragma unroll
    for (int k = 0; k < kProductDepth; k += 16) {
      uint32_t b[4];  // of columns 0 and 8
      if constexpr (kByColumns) {
        const T* at = weights + (warp * 16 + (lane >> 4) * 8 + (lane & 7)) * kWeightStride + k + (lane >> 3 & 1) * 8;
        load_matrices(b, static_cast<uint32_t>(__cvta_generic_to_shared(at)));
      } else {
        const T* at = weights + (k + (lane & 15)) * kWeightStride + warp * 16 + (lane >> 4) * 8;
        load_matrices_transposed(b, static_cast<uint32_t>(__cvta_generic_to_shared(at)));
      }
#pragma unroll
      for (int i = 0; i < 4; i++) {
        if (i * 16 >= o.num_rows) break;
        uint32_t a[4];
        const T* at = rows + (i * 16 + (lane & 15)) * kRowStride + k + (lane >> 4) * 8;
        load_matrices(a, static_cast<uint32_t>(__cvta_generic_to_shared(at)));
        mma_16x8x16(sums[i][0], a, {b[0], b[1]}, T());
        mma_16x8x16(sums[i][1], a, {b[2], b[3]}, T());
      }
    }
  }
}

// To rows of `stride` elements, from the block's first column on.
template <class T>
__device__ __forceinline__ void store_latent_tile(const float (&sums)[4][2][4], T* to, int64_t stride, int num_rows, int columns) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int row = i * 16 + half * 8 + g;
#pragma unroll
      for (int j = 0; j < 2; j++) {
        const int column = warp * 16 + j * 8 + 2 * t;
        if (row >= num_rows || column >= columns) continue;
        *reinterpret_cast<uint32_t*>(to + row * stride + column) = pair_word<T>(sums[i][j][2 * half], sums[i][j][2 * half + 1]);
      }
    }
  }
}

struct LatentBlock {
  int64_t token;  // first, of the slice
  int rows;
};

__device__ __forceinline__ LatentBlock latent_block(const LatentOperands& o) {
  const int64_t token = blockIdx.z * int64_t{kProductTokens}, left = o.tokens - token;
  return LatentBlock{token, left < kProductTokens ? static_cast<int>(left) : kProductTokens};
}

// queries [tokens, heads, width] of the slice.
template <class T>
__global__ void __launch_bounds__(kProductThreads) latent_absorb_tile_kernel(LatentOperands o, const T* q, const T* pe, const T* weight, T* queries) {
  const auto [token, num_rows] = latent_block(o);
  const int32_t head = blockIdx.y, column = blockIdx.x * kProductColumns;
  const int64_t row_stride = static_cast<int64_t>(o.heads) * o.width();
  T* out = queries + (token * o.heads + head) * o.width();
  if (blockIdx.x == 0) {
    const int packs = o.rope_dim / 8;
    for (int i = threadIdx.x; i < num_rows * packs; i += kProductThreads) {
      const int row = i / packs, at = i % packs * 8;
      store_pack(out + row * row_stride + o.rank + at, load_pack(pe + (o.first + token + row) * o.pe_stride + head * o.pe_head + at));
    }
  }
  const LatentProduct<T> product{q + (o.first + token) * o.q_stride + head * o.q_head, weight + o.weight_row(head) * o.weight_stride + column,
                                 o.q_stride, o.weight_stride, num_rows, o.nope_dim, o.rank - column};
  float sums[4][2][4] = {};
  multiply_latent_tile<false>(product, sums);
  store_latent_tile(sums, out + column, row_stride, num_rows, o.rank - column);
}

// sums [tokens, heads, rank] of the slice.
template <class T>
__global__ void __launch_bounds__(kProductThreads) latent_values_tile_kernel(LatentOperands o, const T* weight, const T* sums, T* y) {
  const auto [token, num_rows] = latent_block(o);
  const int32_t head = blockIdx.y, column = blockIdx.x * kProductColumns;
  const LatentProduct<T> product{sums + (token * o.heads + head) * o.rank,
                                 weight + (o.weight_row(head) + o.nope_dim + column) * o.weight_stride,
                                 static_cast<int64_t>(o.heads) * o.rank, o.weight_stride, num_rows, o.rank, o.value_dim - column};
  float tile[4][2][4] = {};
  multiply_latent_tile<true>(product, tile);
  store_latent_tile(tile, y + (o.first + token) * o.y_stride + head * o.y_head + column, o.y_stride, num_rows, o.value_dim - column);
}

}  // namespace trtllm::cuda

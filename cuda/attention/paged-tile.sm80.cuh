#pragma once
#include <trtllm/ptx/ldmatrix.cuh>
#include <trtllm/ptx/mma.cuh>
#include "cached-eight.cuh"
#include "online-softmax.sm80.cuh"
#include "paged-attention.cuh"

// softmax(scale * q k^T) v on tensor cores, f16 and bf16 over pages of their own type or f8, head size kDim (a multiple of
// 16 up to 256).
// A block of 4 warps owns 64 query rows of one (sequence, kv head): row r is query r / group of the tile, head r % group of
// the kv head; a warp owns 16 rows. Keys come 32 at a time, from the first that any row sees.
// Shared memory (dynamic): q[64], k[32], v[32] rows of kDim + 8 elements: 8 elements of padding spread fragments over banks.
// Numerics: scores and online softmax in f32 (expf), weights rounded to the element type for the second product, f32
// accumulators, one rounding. Rows without a visible key give 0.
// Sequences of fewer than min_queries queries have no tiles: paged-split.sm80.cuh makes their rows.
// Grid: x = an upper bound of the tiles of all sequences (a block finds its own on the device), y = kv heads.
namespace trtllm::cuda {

constexpr int kAttentionRows = 64, kAttentionKeys = 32;

template <int kDim>
constexpr int attention_tile_bytes() {
  return (kAttentionRows + 2 * kAttentionKeys) * (kDim + 8) * 2;
}

template <class T, class Pages, int kDim>
__global__ void __launch_bounds__(128) paged_tile_kernel(AttentionOperands o, Pages pages, const T* q, T* y, int32_t min_queries) {
  constexpr int kStride = kDim + 8, kUnits = kDim / 8;
  extern __shared__ uint4 tile_memory[];
  T* q_tile = reinterpret_cast<T*>(tile_memory);
  T* k_tile = q_tile + kAttentionRows * kStride;
  T* v_tile = k_tile + kAttentionKeys * kStride;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
  const int32_t group = o.heads / o.kv_heads, queries = kAttentionRows / group;
  const int32_t kv_head = blockIdx.y;
  const SequenceWork work = find_work(o.seqs, blockIdx.x, [&](int64_t s) {
    const int32_t count = o.seq_start[s + 1] - o.seq_start[s];
    return count < min_queries ? 0 : (count + queries - 1) / queries;
  });
  if (work.seq < 0) return;  // the whole block
  const int64_t slot = o.seq_slot[work.seq], start = o.seq_start[work.seq];
  const int64_t count = o.seq_start[work.seq + 1] - start;
  const int64_t first_query = work.item * queries;  // counted from the sequence's first
  const int64_t left = count - first_query;
  const int32_t num_queries = static_cast<int32_t>(left < queries ? left : queries), num_rows = num_queries * group;
  const int64_t first_position = o.seq_context[work.seq] - count + first_query;
  const int64_t first_token = start + first_query;

  for (int unit = threadIdx.x; unit < kAttentionRows * kUnits; unit += 128) {
    const int row = unit / kUnits, at = unit % kUnits * 8;
    Pack<T> pack{};
    if (row < num_rows) pack = load_pack(q + (first_token + row / group) * o.q_stride + (kv_head * group + row % group) * o.q_head + at);
    store_pack(q_tile + row * kStride + at, pack);
  }

  // This thread's rows: g and g + 8 of the warp. A row beyond the tile sees nothing.
  int64_t last[2], first[2];
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const int row = warp * 16 + g + 8 * half;
    last[half] = row < num_rows ? first_position + row / group : -1;
    first[half] = first_visible(last[half], o.window);
  }
  float best[2] = {-__builtin_inff(), -__builtin_inff()}, total[2] = {0, 0};
  float sums[kDim / 8][4] = {};

  const int64_t end = first_position + num_queries;
  for (int64_t base = first_visible(first_position, o.window); base < end; base += kAttentionKeys) {
    __syncthreads();  // everyone is done with the last keys
    for (int unit = threadIdx.x; unit < kAttentionKeys * kUnits; unit += 128) {
      const int row = unit / kUnits, at = unit % kUnits * 8;
      uint4 key{}, value{};
      const auto* from = base + row < end ? pages.at(slot, base + row, 0, kv_head) : nullptr;
      if (from != nullptr) {
        key = eight_of<T>(from + at);
        value = eight_of<T>(from + pages.part_stride + at);
      }
      *reinterpret_cast<uint4*>(k_tile + row * kStride + at) = key;
      *reinterpret_cast<uint4*>(v_tile + row * kStride + at) = value;
    }
    __syncthreads();

    float scores[4][4] = {};
#pragma unroll
    for (int depth = 0; depth < kDim; depth += 16) {
      const T* rows = q_tile + (warp * 16 + g) * kStride + depth + 2 * t;
      uint32_t a[4];
      a[0] = *reinterpret_cast<const uint32_t*>(rows);
      a[1] = *reinterpret_cast<const uint32_t*>(rows + 8 * kStride);
      a[2] = *reinterpret_cast<const uint32_t*>(rows + 8);
      a[3] = *reinterpret_cast<const uint32_t*>(rows + 8 * kStride + 8);
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const T* keys = k_tile + (j * 8 + g) * kStride + depth + 2 * t;
        const uint32_t b[2] = {*reinterpret_cast<const uint32_t*>(keys), *reinterpret_cast<const uint32_t*>(keys + 8)};
        mma_16x8x16(scores[j], a, b, T());
      }
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const int64_t position = base + j * 8 + 2 * t + e % 2;
        const bool visible = position >= first[e / 2] && position <= last[e / 2];
        scores[j][e] = visible ? attention_score(o, scores[j][e]) : -__builtin_inff();
      }
    }
    const float kept[2] = {soften(scores, 0, best[0], total[0]), soften(scores, 1, best[1], total[1])};
#pragma unroll
    for (int n = 0; n < kDim / 8; n++) {
#pragma unroll
      for (int e = 0; e < 4; e++) sums[n][e] *= kept[e / 2];
    }
#pragma unroll
    for (int step = 0; step < 2; step++) {
      const auto& low = scores[2 * step];
      const auto& high = scores[2 * step + 1];
      const uint32_t a[4] = {pair_word<T>(low[0], low[1]), pair_word<T>(low[2], low[3]), pair_word<T>(high[0], high[1]),
                             pair_word<T>(high[2], high[3])};
#pragma unroll
      for (int n = 0; n < kDim / 8; n++) {
        uint32_t b[2];
        load_matrices_transposed(b, v_tile + (step * 16 + (lane & 15)) * kStride + n * 8);
        mma_16x8x16(sums[n], a, b, T());
      }
    }
  }

#pragma unroll
  for (int half = 0; half < 2; half++) {
    total[half] += __shfl_xor_sync(kFullWarp, total[half], 1);
    total[half] += __shfl_xor_sync(kFullWarp, total[half], 2);
    const int row = warp * 16 + g + 8 * half;
    if (row >= num_rows) continue;
    const float sink = sink_weight(o, kv_head * group + row % group, best[half]);
    const float scale = total[half] > 0 ? o.value_scale / (total[half] + sink) : 0.0f;
    T* out = y + (first_token + row / group) * o.y_stride + (kv_head * group + row % group) * o.y_head;
#pragma unroll
    for (int n = 0; n < kDim / 8; n++) {
      out[n * 8 + 2 * t] = from_f32<T>(sums[n][2 * half] * scale);
      out[n * 8 + 2 * t + 1] = from_f32<T>(sums[n][2 * half + 1] * scale);
    }
  }
}

}  // namespace trtllm::cuda

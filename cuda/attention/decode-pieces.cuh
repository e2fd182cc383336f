#pragma once
#include <trtllm/convert.cuh>
#include <trtllm/reduce.cuh>

#include "base-two-softmax.cuh"
#include "decode-work.cuh"

// Pieces of items that several warps share. A warp has two at most: of the item that its stretch begins inside, and of the
// one that it ends inside. The pieces of one block are joined at its end, by all its warps, into the place of the first;
// what is left of items that lie across blocks is joined by paged_join_pieces_kernel. All in order of the pages.
namespace trtllm::cuda {

// A piece: rows of values [kDim], sums not divided yet, and of (largest score, sum of weights). Scores in base e.
struct DecodePieces {
  float* values;
  float2* masses;
  int32_t rows;  // of a piece: heads of a side, 16 at most
};

// A chain of pieces that a block could not finish: [0] of the item it begins inside, [1] of the one it ends inside.
struct DecodeRest {
  int64_t token;
  int32_t piece, first_head, num_rows;
  int32_t is_there, ends;
};

// What a warp of a block left over.
struct DecodePending {
  int64_t item, token;
  int32_t first_head, num_rows;
  bool is_there, begins, ends;
};

// Bytes for `warps` warps in `blocks` blocks.
inline int64_t piece_bytes(int64_t blocks, int64_t warps, int64_t rows, int64_t head_dim) {
  return blocks * warps * 2 * rows * (head_dim + 2) * 4 + blocks * 2 * static_cast<int64_t>(sizeof(DecodeRest)) + 256;
}

inline DecodePieces place_pieces(void* memory, int64_t blocks, int64_t warps, int64_t rows, int64_t head_dim, DecodeRest** rests) {
  DecodePieces pieces{};
  *rests = static_cast<DecodeRest*>(memory);
  pieces.values = reinterpret_cast<float*>(static_cast<char*>(memory) + (blocks * 2 * static_cast<int64_t>(sizeof(DecodeRest)) + 255) / 256 * 256);
  pieces.masses = reinterpret_cast<float2*>(pieces.values + blocks * warps * 2 * rows * head_dim);
  pieces.rows = static_cast<int32_t>(rows);
  return pieces;
}

// Row `row` of the pieces that `piece_of(i)` names, i < count, joined by one warp: `values` of columns 4 * lane (and 128
// further on, for larger heads), and (largest score, sum of weights).
template <int kDim, class PieceOf>
__device__ __forceinline__ float2 join_row(const DecodePieces& pieces, int32_t row, int count, PieceOf piece_of, float4 (&values)[(kDim + 127) / 128]) {
  const int lane = threadIdx.x & 31;
  float top = -__builtin_inff();
  for (int i = lane; i < count; i += 32) top = fmaxf(top, pieces.masses[piece_of(i) * pieces.rows + row].x);
  top = warp_reduce(top, Max());
#pragma unroll
  for (int part = 0; part < (kDim + 127) / 128; part++) values[part] = float4{0, 0, 0, 0};
  float total = 0;
#pragma unroll 4
  for (int i = 0; i < count; i++) {
    const int64_t at = static_cast<int64_t>(piece_of(i)) * pieces.rows + row;
    const float2 mass = pieces.masses[at];
    const float factor = mass.x == -__builtin_inff() ? 0.0f : fast_exp2((mass.x - top) * kLog2E);
    total = fmaf(mass.y, factor, total);
#pragma unroll
    for (int part = 0; part < (kDim + 127) / 128; part++) {
      const int column = part * 128 + lane * 4;
      if (column >= kDim) continue;
      const float4 piece = *reinterpret_cast<const float4*>(pieces.values + at * kDim + column);
      values[part] = float4{fmaf(piece.x, factor, values[part].x), fmaf(piece.y, factor, values[part].y), fmaf(piece.z, factor, values[part].z),
                            fmaf(piece.w, factor, values[part].w)};
    }
  }
  return float2{top, total};
}

template <class T, int kDim>
__device__ __forceinline__ void store_joined(const AttentionOperands& o, int64_t token, int32_t head, float2 mass,
                                             const float4 (&values)[(kDim + 127) / 128], T* y) {
  const float all = mass.y + sink_weight(o, head, mass.x);
#pragma unroll
  for (int part = 0; part < (kDim + 127) / 128; part++) {
    const int column = part * 128 + (threadIdx.x & 31) * 4;
    if (column >= kDim) continue;
    const float4 v = values[part];
    *reinterpret_cast<uint2*>(y + token * o.y_stride + head * o.y_head + column) =
        uint2{two_words(weighted_mean(o, v.x, all), weighted_mean(o, v.y, all), T()), two_words(weighted_mean(o, v.z, all), weighted_mean(o, v.w, all), T())};
  }
}

// The end of a block: all its warps have left what they could not finish; piece 2w + i of the block is pending[w][i].
template <class T, int kDim, int kWarps>
__device__ __forceinline__ void join_block(const AttentionOperands& o, const DecodePieces& pieces, const DecodePending (&pending)[kWarps][2],
                                           DecodeRest* rests, T* y) {
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  const int32_t first_piece = static_cast<int32_t>(blockIdx.x) * kWarps * 2;
  if (threadIdx.x < 2) rests[blockIdx.x * 2 + threadIdx.x] = DecodeRest{};
  __syncthreads();
  int tasks = 0;
  for (int begin = 0; begin < 2 * kWarps;) {
    const DecodePending& head = pending[begin / 2][begin % 2];
    if (!head.is_there) {
      begin++;
      continue;
    }
    // Pieces of one item: those after the first that are there, until its last.
    int members[2 * kWarps], count = 0, end = begin;
    bool ends = false;
    for (; end < 2 * kWarps && !ends; end++) {
      const DecodePending& piece = pending[end / 2][end % 2];
      if (!piece.is_there) continue;
      members[count++] = end;
      ends = piece.ends;
    }
    const bool whole = head.begins && ends;
    for (int row = 0; row < head.num_rows; row++, tasks++) {
      if (tasks % kWarps != warp || (count == 1 && !whole)) continue;
      float4 values[(kDim + 127) / 128];
      const float2 mass = join_row<kDim>(pieces, row, count, [&](int i) { return first_piece + members[i]; }, values);
      if (whole) {
        store_joined<T, kDim>(o, head.token, head.first_head + row, mass, values, y);
        continue;
      }
      __syncwarp();
      const int64_t at = static_cast<int64_t>(first_piece + begin) * pieces.rows + row;
#pragma unroll
      for (int part = 0; part < (kDim + 127) / 128; part++) {
        const int column = part * 128 + lane * 4;
        if (column < kDim) *reinterpret_cast<float4*>(pieces.values + at * kDim + column) = values[part];
      }
      if (lane == 0) pieces.masses[at] = mass;
    }
    if (!whole && threadIdx.x == 0) {
      rests[blockIdx.x * 2 + (head.begins ? 1 : 0)] =
          DecodeRest{head.token, first_piece + begin, head.first_head, head.num_rows, 1, ends ? 1 : 0};
    }
    begin = end;
  }
}

constexpr int kJoinWarps = 4;

// Items that lie across blocks. Grid: x = blocks of the decode kernel, y = rows of a piece; block (b, row) finishes the item
// that block b ends inside and does not begin inside. Warp w adds pieces w, w + kJoinWarps, ..., and the block its warps.
template <class T, int kDim>
__global__ void __launch_bounds__(kJoinWarps * 32)
    paged_join_pieces_kernel(AttentionOperands o, DecodePieces pieces, const DecodeRest* rests, int32_t blocks, T* y) {
  __shared__ alignas(16) float parts[kJoinWarps][kDim];
  __shared__ float2 masses[kJoinWarps];
  const DecodeRest last = rests[blockIdx.x * 2 + 1];
  const int32_t row = blockIdx.y;
  if (last.is_there == 0 || row >= last.num_rows) return;
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  // Pieces of blocks after this one, until that which ends the item.
  int count = 1;
  for (int base = static_cast<int>(blockIdx.x) + 1; base < blocks; base += 32) {
    const bool ends = base + lane >= blocks || rests[(base + lane) * 2].ends != 0;
    const unsigned found = __ballot_sync(kFullWarp, ends);
    if (found != 0) {
      count += __ffs(static_cast<int>(found));
      break;
    }
    count += 32;
  }
  const int own = (count - warp + kJoinWarps - 1) / kJoinWarps;
  const auto piece_of = [&](int i) {
    const int at = warp + i * kJoinWarps;
    return at == 0 ? last.piece : rests[(blockIdx.x + at) * 2].piece;
  };
  float4 values[(kDim + 127) / 128];
  const float2 mass = join_row<kDim>(pieces, row, own, piece_of, values);
#pragma unroll
  for (int part = 0; part < (kDim + 127) / 128; part++) {
    const int column = part * 128 + lane * 4;
    if (column < kDim) *reinterpret_cast<float4*>(&parts[warp][column]) = values[part];
  }
  if (lane == 0) masses[warp] = mass;
  __syncthreads();
  float top = masses[0].x, all = 0, factors[kJoinWarps];
#pragma unroll
  for (int w = 1; w < kJoinWarps; w++) top = fmaxf(top, masses[w].x);
#pragma unroll
  for (int w = 0; w < kJoinWarps; w++) {
    factors[w] = masses[w].x == -__builtin_inff() ? 0.0f : fast_exp2((masses[w].x - top) * kLog2E);
    all = fmaf(masses[w].y, factors[w], all);
  }
  const int32_t head = last.first_head + row;
  all += sink_weight(o, head, top);
  for (int column = threadIdx.x; column < kDim; column += kJoinWarps * 32) {
    float sum = 0;
#pragma unroll
    for (int w = 0; w < kJoinWarps; w++) sum = fmaf(parts[w][column], factors[w], sum);
    y[last.token * o.y_stride + head * o.y_head + column] = from_f32<T>(weighted_mean(o, sum, all));
  }
}

}  // namespace trtllm::cuda

#pragma once
#include "latent-attention.cuh"

// How the cached tokens of a step are shared out over workers (blocks, or pairs of them), and where the pieces wait to be
// joined. A sequence's absorbed queries are rows, heads of query 0 first; `rows_together` of them are an item. All items of
// all sequences lie on one line, each as long as its sequence has tiles of kLatentKeys tokens, and worker w of W takes the
// w-th W-th of the line: every worker streams equally much, and an item has few pieces. A worker has at most one piece that
// another began (slot 2w) and one that others end (slot 2w + 1). Tiles that no row of an item sees are passed over.
namespace trtllm::cuda {

constexpr int kLatentKeys = 64;

struct LatentPieces {
  int32_t workers, rows_together;
  float* values;   // [2 * workers][rows_together][rank]: weighted sums of latents
  float2* masses;  // [2 * workers][rows_together]: (largest score in base 2, sum of weights)
};

inline int64_t latent_piece_bytes(int64_t workers, int64_t rows_together, int64_t rank) {
  return 2 * workers * rows_together * (rank + 2) * 4;
}

// One sequence's part of the line.
struct LatentLine {
  int32_t items, tiles;
  __device__ __forceinline__ int64_t length() const { return static_cast<int64_t>(items) * tiles; }
};

__device__ __forceinline__ LatentLine latent_line(const LatentOperands& o, int64_t seq, int32_t rows_together) {
  const int32_t queries = o.seq_start[seq + 1] - o.seq_start[seq];
  return LatentLine{(queries * o.heads + rows_together - 1) / rows_together, (o.seq_context[seq] + kLatentKeys - 1) / kLatentKeys};
}

// The length of the whole line, in every lane.
__device__ __forceinline__ int64_t latent_line_length(const LatentOperands& o, int32_t rows_together) {
  int64_t own = 0;
  for (int64_t s = threadIdx.x & 31; s < o.seqs; s += 32) own += latent_line(o, s, rows_together).length();
  return warp_reduce(own, Sum());
}

// First place on the line of worker w.
__device__ __forceinline__ int64_t latent_share(int64_t length, int32_t worker, int32_t workers) { return length * worker / workers; }

// The worker whose share has `place`.
__device__ __forceinline__ int32_t latent_worker(int64_t length, int64_t place, int32_t workers) {
  int32_t worker = static_cast<int32_t>(place * workers / length);
  while (worker + 1 < workers && latent_share(length, worker + 1, workers) <= place) worker++;
  while (latent_share(length, worker, workers) > place) worker--;
  return worker;
}

// A stretch of tiles [begin, end) of one item.
struct LatentItem {
  int64_t seq;  // -1: no more
  int32_t slot, context, first_row, num_rows;  // rows of the step (token * heads + head)
  int32_t row_in_seq, first_position;          // of the item's first row; position of query 0
  int32_t begin, end;
  int32_t piece;  // slot of its piece; -1: it is whole

  // The last position that row r of the item sees.
  __device__ __forceinline__ int32_t position_of(int32_t row, int32_t heads) const { return first_position + (row_in_seq + row) / heads; }
};

// Walks through a worker's share; held by a whole warp, whose lanes keep the sequences from `base` on.
class LatentCursor {
 public:
  __device__ __forceinline__ LatentCursor(const LatentOperands& o, const LatentPieces& pieces, int32_t worker)
      : o_(o), rows_together_(pieces.rows_together), worker_(worker) {
    const int64_t length = latent_line_length(o, rows_together_);
    start_ = at_ = latent_share(length, worker, pieces.workers);
    end_ = latent_share(length, worker + 1, pieces.workers);
  }

  __device__ __forceinline__ LatentItem next() {
    LatentItem item{};
    for (;;) {
      item.seq = -1;
      if (at_ >= end_) return item;
      int64_t all = __shfl_sync(kFullWarp, running_, 31);
      while (at_ - before_ >= all) {
        before_ += all;
        base_ += 32;
        load();
        all = __shfl_sync(kFullWarp, running_, 31);
      }
      const int found = __ffs(static_cast<int>(__ballot_sync(kFullWarp, running_ > at_ - before_))) - 1;
      const int64_t seq_place = before_ + __shfl_sync(kFullWarp, running_ - own_, found);
      const int32_t tiles = __shfl_sync(kFullWarp, tiles_, found);
      item.seq = base_ + found;
      item.context = o_.seq_context[item.seq];
      const int32_t token = o_.seq_start[item.seq], queries = o_.seq_start[item.seq + 1] - token;
      const int32_t index = static_cast<int32_t>((at_ - seq_place) / tiles);
      const int64_t item_place = seq_place + static_cast<int64_t>(index) * tiles;
      item.slot = o_.seq_slot[item.seq];
      item.row_in_seq = index * rows_together_;
      item.first_row = token * o_.heads + item.row_in_seq;
      const int32_t rows_left = queries * o_.heads - item.row_in_seq;
      item.num_rows = rows_left < rows_together_ ? rows_left : rows_together_;
      item.first_position = item.context - queries;
      const int32_t seen = item.position_of(item.num_rows - 1, o_.heads) / kLatentKeys + 1;
      item.begin = static_cast<int32_t>(at_ - item_place);
      item.end = end_ - item_place < tiles ? static_cast<int32_t>(end_ - item_place) : tiles;
      at_ = item_place + item.end;
      if (item.end > seen) item.end = seen;
      if (item.begin >= item.end) continue;
      item.piece = item.begin == 0 && item.end == seen ? -1 : 2 * worker_ + (item_place < start_ ? 0 : 1);
      return item;
    }
  }

 private:
  __device__ __forceinline__ void load() {
    const int64_t s = base_ + (threadIdx.x & 31);
    own_ = 0;
    if (s < o_.seqs) {
      const LatentLine line = latent_line(o_, s, rows_together_);
      own_ = line.length();
      tiles_ = line.tiles;
    }
    running_ = own_;
#pragma unroll
    for (int offset = 1; offset < 32; offset <<= 1) {
      const int64_t before = __shfl_up_sync(kFullWarp, running_, offset);
      if (static_cast<int>(threadIdx.x & 31) >= offset) running_ += before;
    }
  }

  const LatentOperands& o_;
  const int32_t rows_together_, worker_;
  int64_t start_, at_, end_, base_ = -32, before_ = 0, own_ = 0, running_ = 0;
  int32_t tiles_ = 1;
};

// Joins the pieces of rows that have several: a warp has a row of the step, a lane sixteen columns of 512. Grid stride over
// `rows`.
template <class T, int kRank>
__global__ void __launch_bounds__(256) latent_join_kernel(LatentOperands o, LatentPieces pieces, int64_t rows, T* sums) {
  constexpr int kSlices = kRank / 128;  // four columns of each 128
  const int lane = threadIdx.x & 31;
  const int64_t length = latent_line_length(o, pieces.rows_together);
  for (int64_t row = blockIdx.x * 8ll + (threadIdx.x >> 5); row < rows; row += gridDim.x * 8ll) {
    const int64_t seq = sequence_of(o.seq_start, o.seqs, row / o.heads);
    if (seq < 0) continue;  // the whole warp, here and below
    int64_t place = 0;
    for (int64_t s = lane; s < seq; s += 32) place += latent_line(o, s, pieces.rows_together).length();
    place = warp_reduce(place, Sum());
    const LatentLine line = latent_line(o, seq, pieces.rows_together);
    const int32_t queries = o.seq_start[seq + 1] - o.seq_start[seq];
    const int32_t row_in_seq = static_cast<int32_t>(row - static_cast<int64_t>(o.seq_start[seq]) * o.heads);
    const int32_t index = row_in_seq / pieces.rows_together, in_item = row_in_seq - index * pieces.rows_together;
    int32_t last_row = (index + 1) * pieces.rows_together - 1;
    if (last_row >= queries * o.heads) last_row = queries * o.heads - 1;
    const int32_t seen = (o.seq_context[seq] - queries + last_row / o.heads) / kLatentKeys + 1;
    place += static_cast<int64_t>(index) * line.tiles;
    const int32_t first = latent_worker(length, place, pieces.workers), last = latent_worker(length, place + seen - 1, pieces.workers);
    if (first == last) continue;
    const auto slot_of = [&](int32_t worker) {
      return static_cast<int64_t>(2 * worker + (worker == first ? 1 : 0)) * pieces.rows_together + in_item;
    };
    float top = -__builtin_inff(), total = 0;
    for (int32_t worker = first; worker <= last; worker++) top = fmaxf(top, pieces.masses[slot_of(worker)].x);
    float4 sum[kSlices] = {};
    for (int32_t worker = first; worker <= last; worker++) {
      const float2 mass = pieces.masses[slot_of(worker)];
      const float factor = mass.x == -__builtin_inff() ? 0.0f : exp2f(mass.x - top);
      total = fmaf(mass.y, factor, total);
      const float* values = pieces.values + slot_of(worker) * kRank;
#pragma unroll
      for (int i = 0; i < kSlices; i++) {
        const float4 piece = *reinterpret_cast<const float4*>(values + i * 128 + lane * 4);
        sum[i] = float4{fmaf(piece.x, factor, sum[i].x), fmaf(piece.y, factor, sum[i].y), fmaf(piece.z, factor, sum[i].z),
                        fmaf(piece.w, factor, sum[i].w)};
      }
    }
#pragma unroll
    for (int i = 0; i < kSlices; i++) {
      T* to = sums + row * kRank + i * 128 + lane * 4;
      to[0] = from_f32<T>(weighted_mean(sum[i].x, total));
      to[1] = from_f32<T>(weighted_mean(sum[i].y, total));
      to[2] = from_f32<T>(weighted_mean(sum[i].z, total));
      to[3] = from_f32<T>(weighted_mean(sum[i].w, total));
    }
  }
}

}  // namespace trtllm::cuda

#pragma once
#include "latent-attention.cuh"

// How the cached tokens of a step are shared out over workers (blocks, or pairs of them), and where the pieces wait to be
// joined. A sequence's absorbed queries are rows, heads of query 0 first; `rows_together` of them are an item. All items of
// all sequences lie on one line, each as long as its sequence has tiles of kLatentKeys tokens, and worker w of W takes the
// w-th W-th of the line: every worker streams equally much, and an item has few pieces. A worker has at most one piece that
// another began (slot 2w) and one that others end (slot 2w + 1). Tiles that no row of an item sees are passed over. A short
// line is that of fewer workers, for a piece costs its joining.
namespace trtllm::cuda {

constexpr int kLatentKeys = 64;

struct LatentPieces {
  int32_t workers, rows_together;
  int32_t least, most;  // queries of the sequences that the launch attends to; it leaves the others alone
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

__device__ __forceinline__ LatentLine latent_line(const LatentOperands& o, const LatentPieces& pieces, int64_t seq) {
  const int32_t queries = o.seq_start[seq + 1] - o.seq_start[seq];
  if (queries < pieces.least || queries > pieces.most) return LatentLine{0, 0};
  const LatentSpan span = latent_span(o, seq);
  const int32_t tiles = (span.context + kLatentKeys - 1) / kLatentKeys;
  return LatentLine{(span.queries * o.heads + pieces.rows_together - 1) / pieces.rows_together, tiles > 0 ? tiles : 0};
}

// The length of the line before sequence `end`, in every lane.
__device__ __forceinline__ int64_t latent_line_length(const LatentOperands& o, const LatentPieces& pieces, int64_t end) {
  int64_t own = 0;
  for (int64_t s = threadIdx.x & 31; s < end; s += 32) own += latent_line(o, pieces, s).length();
  return warp_reduce(own, Sum());
}

// Those who have a share: two tiles at least, one for each warpgroup.
__device__ __forceinline__ int32_t latent_workers(int64_t length, int32_t workers) {
  const int64_t pairs = (length + 1) / 2;
  return pairs < workers ? static_cast<int32_t>(pairs) : workers;
}

// First place on the line of worker w; its end where there are fewer workers.
__device__ __forceinline__ int64_t latent_share(int64_t length, int32_t worker, int32_t workers) {
  return worker < workers ? length * worker / workers : length;
}

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
  int32_t slot, context, first_row, num_rows;  // rows of the slice (token * heads + head)
  int32_t row_in_seq, first_position;          // of the item's first row; position of the slice's query 0
  int32_t begin, end;
  int32_t piece;  // slot of its piece; -1: it is whole

  // The last position that row r of the item sees.
  __device__ __forceinline__ int32_t position_of(int32_t row, int32_t heads) const { return first_position + (row_in_seq + row) / heads; }
};

// Walks through a worker's share; held by a whole warp, whose lanes keep the sequences from `base` on.
class LatentCursor {
 public:
  __device__ __forceinline__ LatentCursor(const LatentOperands& o, const LatentPieces& pieces, int32_t worker)
      : o_(o), pieces_(pieces), worker_(worker) {
    const int64_t length = latent_line_length(o, pieces, o.seqs);
    const int32_t workers = latent_workers(length, pieces.workers);
    start_ = at_ = latent_share(length, worker, workers);
    end_ = latent_share(length, worker + 1, workers);
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
      const LatentSpan span = latent_span(o_, item.seq);
      item.context = span.context;
      const int32_t index = static_cast<int32_t>((at_ - seq_place) / tiles);
      const int64_t item_place = seq_place + static_cast<int64_t>(index) * tiles;
      item.slot = o_.seq_slot[item.seq];
      item.row_in_seq = index * pieces_.rows_together;
      item.first_row = span.token * o_.heads + item.row_in_seq;
      const int32_t rows_left = span.queries * o_.heads - item.row_in_seq;
      item.num_rows = rows_left < pieces_.rows_together ? rows_left : pieces_.rows_together;
      item.first_position = span.context - span.queries;
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
      const LatentLine line = latent_line(o_, pieces_, s);
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
  const LatentPieces& pieces_;
  const int32_t worker_;
  int64_t start_, at_, end_, base_ = -32, before_ = 0, own_ = 0, running_ = 0;
  int32_t tiles_ = 1;
};

__device__ __forceinline__ void add_weighted(float4& sum, const float4& value, float weight) {
  sum = float4{fmaf(value.x, weight, sum.x), fmaf(value.y, weight, sum.y), fmaf(value.z, weight, sum.z), fmaf(value.w, weight, sum.w)};
}

template <class T>
__device__ __forceinline__ void store_mean(T* to, const float4& sum, float total) {
  to[0] = from_f32<T>(weighted_mean(sum.x, total));
  to[1] = from_f32<T>(weighted_mean(sum.y, total));
  to[2] = from_f32<T>(weighted_mean(sum.z, total));
  to[3] = from_f32<T>(weighted_mean(sum.w, total));
}

// Joins the pieces of rows that have several and clears the rows of tokens in no sequence. kWarps warps have a row of the
// slice (1, or 8 where rows are few and their pieces many), each every kWarps-th piece; a lane has sixteen columns of 512.
// Grid stride over rows.
template <class T, int kRank, int kWarps>
__global__ void __launch_bounds__(256) latent_join_kernel(LatentOperands o, LatentPieces pieces, T* sums) {
  constexpr int kSlices = kRank / 128, kTogether = 8 / kWarps;  // four columns of each 128; rows of a block
  __shared__ float4 joined[kWarps == 1 ? 1 : kWarps][kWarps == 1 ? 1 : kRank / 4];
  __shared__ float totals[kWarps];
  const int lane = threadIdx.x & 31, warp = (threadIdx.x >> 5) % kWarps;
  const int64_t length = latent_line_length(o, pieces, o.seqs), rows = o.tokens * o.heads;
  const int32_t workers = latent_workers(length, pieces.workers);
  for (int64_t row = blockIdx.x * int64_t{kTogether} + (threadIdx.x >> 5) / kWarps; row < rows; row += int64_t{gridDim.x} * kTogether) {
    const int64_t seq = sequence_of(o.seq_start, o.seqs, o.first + row / o.heads);
    if (seq < 0) {
      for (int i = warp * 32 + lane; i < kRank; i += kWarps * 32) sums[row * kRank + i] = from_f32<T>(0.0f);
      continue;  // all of the row's warps, here and below
    }
    const LatentLine line = latent_line(o, pieces, seq);
    if (line.length() == 0) continue;
    const LatentSpan span = latent_span(o, seq);
    const int32_t row_in_seq = static_cast<int32_t>(row) - span.token * o.heads;
    const int32_t index = row_in_seq / pieces.rows_together, in_item = row_in_seq - index * pieces.rows_together;
    int32_t last_row = (index + 1) * pieces.rows_together - 1;
    if (last_row >= span.queries * o.heads) last_row = span.queries * o.heads - 1;
    const int32_t seen = (span.context - span.queries + last_row / o.heads) / kLatentKeys + 1;
    const int64_t place = latent_line_length(o, pieces, seq) + static_cast<int64_t>(index) * line.tiles;
    const int32_t first = latent_worker(length, place, workers), last = latent_worker(length, place + seen - 1, workers);
    if (first == last) continue;
    const auto slot_of = [&](int32_t worker) {
      return static_cast<int64_t>(2 * worker + (worker == first ? 1 : 0)) * pieces.rows_together + in_item;
    };
    float top = -__builtin_inff(), total = 0;
    for (int32_t worker = first + lane; worker <= last; worker += 32) top = fmaxf(top, pieces.masses[slot_of(worker)].x);
    top = warp_reduce(top, Max());
    float4 sum[kSlices] = {};
#pragma unroll 2
    for (int32_t worker = first + warp; worker <= last; worker += kWarps) {
      const float2 mass = pieces.masses[slot_of(worker)];
      const float factor = mass.x == -__builtin_inff() ? 0.0f : exp2f(mass.x - top);
      total = fmaf(mass.y, factor, total);
      const float4* values = reinterpret_cast<const float4*>(pieces.values + slot_of(worker) * kRank);
#pragma unroll
      for (int i = 0; i < kSlices; i++) add_weighted(sum[i], values[i * 32 + lane], factor);
    }
    if constexpr (kWarps == 1) {
#pragma unroll
      for (int i = 0; i < kSlices; i++) store_mean(sums + row * kRank + i * 128 + lane * 4, sum[i], total);
    } else {
#pragma unroll
      for (int i = 0; i < kSlices; i++) joined[warp][i * 32 + lane] = sum[i];
      if (lane == 0) totals[warp] = total;
      __syncthreads();  // kWarps == 8: the block has one row
      float all = 0;
      for (int w = 0; w < kWarps; w++) all += totals[w];
      for (int i = threadIdx.x; i < kRank / 4; i += 256) {
        float4 column{};
        for (int w = 0; w < kWarps; w++) add_weighted(column, joined[w][i], 1.0f);
        store_mean(sums + row * kRank + i * 4, column, all);
      }
      __syncthreads();
    }
  }
}

}  // namespace trtllm::cuda

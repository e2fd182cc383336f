#pragma once
#include "latent-attention.cuh"

// Latent attention on plain arithmetic, for any type and size: absorbed queries, attention over the cached vectors, and the
// values of what each head has summed, with f32 between them.
//   latent_absorb_kernel   block = (head, kLatentTokens tokens): a thread has columns of the rank, K_h is read once
//   latent_rows_kernel     block = (token, head): warp w takes pages w, w + 8, ..., a lane every 32nd element of the width;
//                          the warps join in shared memory
//   latent_values_kernel   block = (head, kLatentTokens tokens): a warp has rows of V_h, lanes stride the rank
// Numerics: f32 sums, online softmax in base e.
namespace trtllm::cuda {

constexpr int kLatentTokens = 8, kLatentThreads = 256, kLatentWarps = kLatentThreads / 32, kMaxLatentWidth = 1024;

// Queries f32 [tokens, heads, width]. Dynamic shared memory: [kLatentTokens][nope_dim] f32.
template <class T>
__global__ void __launch_bounds__(kLatentThreads) latent_absorb_kernel(LatentOperands o, const T* q, const T* pe, const T* weight,
                                                                       float* queries) {
  extern __shared__ float wide[];
  const int32_t head = blockIdx.x;
  const int64_t begin = static_cast<int64_t>(blockIdx.y) * kLatentTokens;
  const int rows = o.tokens - begin < kLatentTokens ? static_cast<int>(o.tokens - begin) : kLatentTokens;
  for (int i = threadIdx.x; i < kLatentTokens * o.nope_dim; i += kLatentThreads) {
    const int row = i / o.nope_dim, at = i - row * o.nope_dim;
    wide[i] = row < rows ? to_f32(q[(o.first + begin + row) * o.q_stride + head * o.q_head + at]) : 0.0f;
  }
  float* out = queries + (begin * o.heads + head) * o.width();
  const int64_t row_stride = static_cast<int64_t>(o.heads) * o.width();
  for (int i = threadIdx.x; i < rows * o.rope_dim; i += kLatentThreads) {
    const int row = i / o.rope_dim, at = i - row * o.rope_dim;
    out[row * row_stride + o.rank + at] = to_f32(pe[(o.first + begin + row) * o.pe_stride + head * o.pe_head + at]);
  }
  __syncthreads();
  const T* keys = weight + o.weight_row(head) * o.weight_stride;
  for (int column = threadIdx.x; column < o.rank; column += kLatentThreads) {
    float sums[kLatentTokens] = {};
    for (int i = 0; i < o.nope_dim; i++) {
      const float key = to_f32(keys[i * o.weight_stride + column]);
#pragma unroll
      for (int row = 0; row < kLatentTokens; row++) sums[row] = fmaf(wide[row * o.nope_dim + i], key, sums[row]);
    }
#pragma unroll
    for (int row = 0; row < kLatentTokens; row++) {
      if (row < rows) out[row * row_stride + column] = sums[row];
    }
  }
}

// Weighted sums of latents f32 [tokens, heads, rank]; 0 for tokens of no sequence. kSlices * 32 elements hold a vector.
template <class T, class Pages, int kSlices>
__global__ void __launch_bounds__(kLatentThreads) latent_rows_kernel(LatentOperands o, Pages pages, const float* queries, float* sums) {
  __shared__ float tops[kLatentWarps], totals[kLatentWarps], joined[kLatentWarps][kSlices * 32];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int32_t head = blockIdx.y, width = o.width();
  const int64_t token = o.first + blockIdx.x, row = static_cast<int64_t>(blockIdx.x) * o.heads + head;
  const int64_t seq = sequence_of(o.seq_start, o.seqs, token);
  const int64_t position = seq < 0 ? -1 : o.seq_context[seq] - (o.seq_start[seq + 1] - token);
  const int64_t slot = seq < 0 ? -1 : o.seq_slot[seq];
  float query[kSlices], sum[kSlices] = {};
#pragma unroll
  for (int i = 0; i < kSlices; i++) query[i] = lane + 32 * i < width ? queries[row * width + lane + 32 * i] * o.scale : 0.0f;
  float best = -__builtin_inff(), total = 0;
  for (int64_t page = warp; page * 32 <= position; page += kLatentWarps) {
    const T* keys = pages.at(slot, page * 32, 0, 0);
    const int count = position - page * 32 < 31 ? static_cast<int>(position - page * 32) + 1 : 32;
    for (int key = 0; keys != nullptr && key < count; key++) {
      float cached[kSlices], dot = 0;
#pragma unroll
      for (int i = 0; i < kSlices; i++) {
        cached[i] = lane + 32 * i < width ? to_f32(keys[key * pages.token_stride + lane + 32 * i]) : 0.0f;
        dot = fmaf(query[i], cached[i], dot);
      }
      const float score = warp_reduce(dot, Sum()), top = fmaxf(best, score);
      const float keep = best == -__builtin_inff() ? 0.0f : expf(best - top), weight = expf(score - top);
      total = fmaf(total, keep, weight);
      best = top;
#pragma unroll
      for (int i = 0; i < kSlices; i++) sum[i] = fmaf(sum[i], keep, weight * cached[i]);
    }
  }
  if (lane == 0) {
    tops[warp] = best;
    totals[warp] = total;
  }
#pragma unroll
  for (int i = 0; i < kSlices; i++) joined[warp][lane + 32 * i] = sum[i];
  __syncthreads();
  float top = tops[0], mass = 0;
  for (int w = 1; w < kLatentWarps; w++) top = fmaxf(top, tops[w]);
  for (int w = 0; w < kLatentWarps; w++) mass += tops[w] == -__builtin_inff() ? 0.0f : totals[w] * expf(tops[w] - top);
  for (int i = threadIdx.x; i < o.rank; i += kLatentThreads) {
    float all = 0;
    for (int w = 0; w < kLatentWarps; w++) all += tops[w] == -__builtin_inff() ? 0.0f : joined[w][i] * expf(tops[w] - top);
    sums[row * o.rank + i] = weighted_mean(all, mass);
  }
}

// Dynamic shared memory: [kLatentTokens][rank] f32.
template <class T>
__global__ void __launch_bounds__(kLatentThreads) latent_values_kernel(LatentOperands o, const T* weight, const float* sums, T* y) {
  extern __shared__ float wide[];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int32_t head = blockIdx.x;
  const int64_t begin = static_cast<int64_t>(blockIdx.y) * kLatentTokens;
  const int rows = o.tokens - begin < kLatentTokens ? static_cast<int>(o.tokens - begin) : kLatentTokens;
  for (int i = threadIdx.x; i < kLatentTokens * o.rank; i += kLatentThreads) {
    const int row = i / o.rank, at = i - row * o.rank;
    wide[i] = row < rows ? sums[((begin + row) * o.heads + head) * o.rank + at] : 0.0f;
  }
  __syncthreads();
  const T* values = weight + (o.weight_row(head) + o.nope_dim) * o.weight_stride;
  for (int value = warp; value < o.value_dim; value += kLatentWarps) {
    float dots[kLatentTokens] = {};
    for (int i = lane; i < o.rank; i += 32) {
      const float w = to_f32(values[value * o.weight_stride + i]);
#pragma unroll
      for (int row = 0; row < kLatentTokens; row++) dots[row] = fmaf(w, wide[row * o.rank + i], dots[row]);
    }
#pragma unroll
    for (int row = 0; row < kLatentTokens; row++) {
      const float dot = warp_reduce(dots[row], Sum());
      if (lane == 0 && row < rows) y[(o.first + begin + row) * o.y_stride + head * o.y_head + value] = from_f32<T>(dot);
    }
  }
}

}  // namespace trtllm::cuda

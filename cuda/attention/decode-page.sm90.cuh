#pragma once
#include <trtllm/convert.cuh>
#include <trtllm/ptx/f8-pair.cuh>
#include <trtllm/ptx/ldmatrix.cuh>
#include <trtllm/ptx/mma.cuh>
#include <trtllm/ptx/tensor-copy.sm90.cuh>

#include "base-two-softmax.cuh"
#include "decode-work.cuh"

// One warp, 16 query rows and a page of 32 keys, in boxes of shared memory as the copy engine swizzles them. Thread
// (g, t) = (lane / 4, lane % 4) has rows g and g + 8. Products are of M: the queries' type, or f16 where the cache is f8,
// which f16 holds exactly. Where the cache is f8, thread t has elements 4t .. 4t + 3 of 16 where it otherwise has 2t, 2t + 1,
// 2t + 8 and 2t + 9: four neighbours lie in one word of shared memory.
namespace trtllm::cuda {

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

template <class M, class C, int kDim, class Ring>
struct DecodePage {
  static constexpr bool kIsF8 = sizeof(C) == 1;
  static constexpr int kSteps = kDim / 16, kChunks = Ring::kBlockBytes / 16;  // 16-byte chunks of a box's row

  // Rows of queries as first operands: word i of step s has two elements of the 16 from 16s on.
  template <class T>
  static __device__ __forceinline__ void load_queries(uint32_t (&words)[kSteps][4], const AttentionOperands& o, const DecodeSegment& segment,
                                                      const T* q) {
    const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
    const T* rows = q + segment.token * o.q_stride + (segment.first_head + g) * o.q_head;
#pragma unroll
    for (int s = 0; s < kSteps; s++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int at = s * 16 + (kIsF8 ? 4 * t + i / 2 * 2 : 2 * t + i / 2 * 8);
        const bool inside = g + i % 2 * 8 < segment.num_rows;
        uint32_t word = inside ? *reinterpret_cast<const uint32_t*>(rows + i % 2 * 8 * o.q_head + at) : 0u;
        if constexpr (!std::is_same_v<T, M>) {
          T pair[2];
          memcpy(pair, &word, 4);
          word = two_words(to_f32(pair[0]), to_f32(pair[1]), M());
        }
        words[s][i] = word;
      }
    }
  }

  // Adds the products of one box of keys: elements `block` of the head.
  static __device__ __forceinline__ void score(float (&scores)[4][4], const uint32_t (&queries)[kSteps][4], uint32_t box, int block) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int c = 0; c < kChunks / 4; c++) {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        uint32_t words[4];
        load_matrices(words, box + Ring::offset(j * 8 + (lane & 7), c * 4 + (lane >> 3)));
        if constexpr (kIsF8) {
#pragma unroll
          for (int i = 0; i < 4; i++) {
            const uint32_t b[2] = {f16_pair(words[i] & 0xffff), f16_pair(words[i] >> 16)};
            mma_16x8x16(scores[j], queries[block * kChunks + c * 4 + i], b, M());
          }
        } else {
#pragma unroll
          for (int i = 0; i < 2; i++) {
            const uint32_t b[2] = {words[2 * i], words[2 * i + 1]};
            mma_16x8x16(scores[j], queries[block * kChunks / 2 + c * 2 + i], b, M());
          }
        }
      }
    }
  }

  // Weights of the page's keys times one box of values. Keys outside [low, high] have none: what lies there may be anything.
  template <bool kMasked>
  static __device__ __forceinline__ void add(float (&sums)[kDim / 8][4], const float (&weights)[4][4], uint32_t box, int block, int low, int high) {
    const int lane = threadIdx.x & 31, t = lane & 3;
#pragma unroll
    for (int step = 0; step < 2; step++) {
      const auto& left = weights[2 * step];
      const auto& right = weights[2 * step + 1];
      const uint32_t a[4] = {two_words(left[0], left[1], M()), two_words(left[2], left[3], M()), two_words(right[0], right[1], M()),
                             two_words(right[2], right[3], M())};
      uint32_t mask[2] = {~0u, ~0u};
      if constexpr (kMasked) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
          const int key = step * 16 + 8 * i + 2 * t;
          mask[i] = (key >= low && key <= high ? 0xffffu : 0u) | (key + 1 >= low && key + 1 <= high ? 0xffff0000u : 0u);
        }
      }
      const auto masked = [&](uint32_t word, int i) { return kMasked ? word & mask[i] : word; };
#pragma unroll
      for (int c = 0; c < kChunks / 2; c++) {
        uint32_t words[4];  // keys 0 to 7 and 8 to 15 of chunk 2c, then of 2c + 1
        load_matrices_transposed(words, box + Ring::offset(step * 16 + (lane & 15), c * 2 + (lane >> 4)));
#pragma unroll
        for (int half = 0; half < 2; half++) {
          const uint32_t upper = words[2 * half], lower = words[2 * half + 1];
          if constexpr (kIsF8) {
            // A word has two columns of two keys: even columns are one tile, odd ones the next.
            const int tile = (block * kChunks + c * 2 + half) * 2;
            const uint32_t u = __byte_perm(upper, 0, 0x3120), l = __byte_perm(lower, 0, 0x3120);
            const uint32_t even[2] = {masked(f16_pair(u & 0xffff), 0), masked(f16_pair(l & 0xffff), 1)};
            const uint32_t odd[2] = {masked(f16_pair(u >> 16), 0), masked(f16_pair(l >> 16), 1)};
            mma_16x8x16(sums[tile], a, even, M());
            mma_16x8x16(sums[tile + 1], a, odd, M());
          } else {
            const uint32_t b[2] = {masked(upper, 0), masked(lower, 1)};
            mma_16x8x16(sums[block * kChunks + c * 2 + half], a, b, M());
          }
        }
      }
    }
  }

  // Calls f(column, e0, e1, ...) with neighbouring columns of this thread's row g + 8 * half: two, or four where the cache is f8.
  template <class F>
  static __device__ __forceinline__ void each_run(const float (&sums)[kDim / 8][4], int half, F&& f) {
    const int t = threadIdx.x & 3;
    if constexpr (kIsF8) {
#pragma unroll
      for (int n = 0; n < kDim / 8; n += 2) f(n * 8 + 4 * t, sums[n][2 * half], sums[n + 1][2 * half], sums[n][2 * half + 1], sums[n + 1][2 * half + 1]);
    } else {
#pragma unroll
      for (int n = 0; n < kDim / 8; n++) f(n * 8 + 2 * t, sums[n][2 * half], sums[n][2 * half + 1]);
    }
  }
};

// Neighbouring elements of a row, two or four.
template <class T>
__device__ __forceinline__ void store_run(T* to, float a, float b) {
  *reinterpret_cast<uint32_t*>(to) = two_words(a, b, T());
}
template <class T>
__device__ __forceinline__ void store_run(T* to, float a, float b, float c, float d) {
  *reinterpret_cast<uint2*>(to) = uint2{two_words(a, b, T()), two_words(c, d, T())};
}
__device__ __forceinline__ void store_run(float* to, float a, float b) { *reinterpret_cast<float2*>(to) = float2{a, b}; }
__device__ __forceinline__ void store_run(float* to, float a, float b, float c, float d) { *reinterpret_cast<float4*>(to) = float4{a, b, c, d}; }

#endif

}  // namespace trtllm::cuda

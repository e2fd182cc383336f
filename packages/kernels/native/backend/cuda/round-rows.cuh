#pragma once
#include <trtllm/reduce.cuh>

#include "launch.cuh"

// scale = max_k |x[k]| / 448, y[k] = f8(x[k] / scale), row by row: rows of activations for f8 arithmetic. A block a row, which stays in
// registers between the passes over it: thread t has packs t, t + kThreads, ... A row of zeros keeps zeros with scale 1.
// HAZARD: rows are packed and their length is a multiple of 16.
namespace trtllm::cuda {

template <int kThreads_, int kPacks_>
struct RowShape {
  static constexpr int kThreads = kThreads_, kPacks = kPacks_;
};

constexpr int64_t kMaxRoundedPacks = 1024 * 8;

// Calls f with the smallest blocks that hold a row of so many packs, kMaxRoundedPacks at most: the fewer warps wait for each other the better.
template <class F>
void by_row_length(int64_t packs, F&& f) {
  if (packs <= 512) {
    f(RowShape<128, 4>());
  } else if (packs <= 1024) {
    f(RowShape<256, 4>());
  } else if (packs <= 2048) {
    f(RowShape<256, 8>());
  } else if (packs <= 4096) {
    f(RowShape<512, 8>());
  } else {
    f(RowShape<1024, 8>());
  }
}

template <class T, class Shape>
struct KeptRow {
  Pack<T> packs[Shape::kPacks];

  // f(pack i of this thread, where it begins, i) for those that lie within the row.
  template <class F>
  __device__ __forceinline__ void each(int64_t in, F&& f) {
#pragma unroll
    for (int i = 0; i < Shape::kPacks; i++) {
      const int64_t k = static_cast<int64_t>(i * Shape::kThreads + static_cast<int>(threadIdx.x)) * Pack<T>::kSize;
      if (k < in) f(packs[i], k, i);
    }
  }

  // All threads of the block.
  __device__ __forceinline__ void round(int64_t in, f8* to, float* scale) {
    constexpr int kWords = Pack<T>::kSize / 4;
    float largest = 0;
    each(in, [&](const Pack<T>& pack, int64_t, int) {
#pragma unroll
      for (int j = 0; j < Pack<T>::kSize; j++) largest = fmaxf(largest, fabsf(to_f32(pack.at[j])));
    });
    largest = block_reduce(largest, Max());
    const float inverse = largest > 0 ? 448.0f / largest : 1.0f;
    if (threadIdx.x == 0) *scale = largest > 0 ? largest / 448.0f : 1.0f;
    each(in, [&](const Pack<T>& pack, int64_t k, int) {
      uint32_t words[kWords];
#pragma unroll
      for (int i = 0; i < kWords; i++) {
        const auto pair = [&](int j) -> uint32_t {
          const float2 two = make_float2(to_f32(pack.at[j]) * inverse, to_f32(pack.at[j + 1]) * inverse);
          return __nv_cvt_float2_to_fp8x2(two, __NV_SATFINITE, __NV_E4M3);
        };
        words[i] = pair(4 * i) | pair(4 * i + 2) << 16;
      }
      if constexpr (kWords == 2) {
        *reinterpret_cast<uint2*>(to + k) = make_uint2(words[0], words[1]);
      } else {
        *reinterpret_cast<uint32_t*>(to + k) = words[0];
      }
    });
  }
};

// Rows that lie in memory.
template <class T>
struct StoredRows {
  const T* x;
  int64_t stride;
  __device__ __forceinline__ Pack<T> operator()(int64_t row, int64_t k) const { return load_pack(x + row * stride + k); }
};

// Source: the pack that begins at element k of a row.
template <class T, class Shape, class Source>
__global__ void __launch_bounds__(Shape::kThreads) round_rows_kernel(Source source, f8* y, float* scale, int64_t in) {
  KeptRow<T, Shape> kept;
  const int64_t row = blockIdx.x;
  kept.each(in, [&](Pack<T>& pack, int64_t k, int) { pack = source(row, k); });
  kept.round(in, y + row * in, scale + row);
}

template <class T, class Source>
Status launch_round_rows(const char* op, const Source& source, int64_t rows, int64_t in, f8* values, float* scales, cudaStream_t stream) {
  by_row_length(in / Pack<T>::kSize, [&](auto shape) {
    using Shape = decltype(shape);
    round_rows_kernel<T, Shape, Source><<<static_cast<unsigned>(rows), Shape::kThreads, 0, stream>>>(source, values, scales, in);
  });
  return launched(op);
}

}  // namespace trtllm::cuda

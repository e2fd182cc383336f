#pragma once
#include <trtllm/reduce.cuh>

#include "launch.cuh"

// scale[r, i] = max |x[r, k]| / 448 over the 128 k of run i, y[r, k] = f8(x[r, k] / scale): rows for weights with scales of blocks. A
// warp a run, four elements a lane, read once. A run of zeros keeps zeros with scale 1.
// HAZARD: rows of x begin at multiples of 16 bytes; their length is a multiple of 16.
namespace trtllm::cuda {

template <class T>
struct alignas(4 * sizeof(T)) FourOf {
  T at[4];
};

template <class T>
__global__ void __launch_bounds__(256) round_runs_kernel(const T* x, int64_t x_stride, f8* y, float* scale, int64_t in, int64_t runs, int64_t rows) {
  const int lane = static_cast<int>(threadIdx.x) & 31;
  const int64_t step = static_cast<int64_t>(gridDim.x) * 8;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * 8 + (threadIdx.x >> 5); i < rows * runs; i += step) {
    const int64_t row = i / runs, k = (i - row * runs) * 128 + lane * 4;
    FourOf<T> four{};
    if (k < in) four = *reinterpret_cast<const FourOf<T>*>(x + row * x_stride + k);
    float largest = 0;
#pragma unroll
    for (int j = 0; j < 4; j++) largest = fmaxf(largest, fabsf(to_f32(four.at[j])));
    largest = warp_reduce(largest, Max());
    const float inverse = largest > 0 ? 448.0f / largest : 1.0f;
    if (lane == 0) scale[i] = largest > 0 ? largest / 448.0f : 1.0f;
    FourOf<f8> rounded;
#pragma unroll
    for (int j = 0; j < 4; j++) rounded.at[j] = from_f32<f8>(to_f32(four.at[j]) * inverse);
    if (k < in) *reinterpret_cast<FourOf<f8>*>(y + row * in + k) = rounded;
  }
}

}  // namespace trtllm::cuda

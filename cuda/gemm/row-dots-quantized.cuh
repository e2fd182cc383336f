#pragma once
#include <trtllm/reduce.cuh>
#include <trtllm/vector-io.cuh>

// y[r, n] = scale[n] * sum_k x[r, k] * weight[n, k] + bias[n] for few rows and 8-bit weights: the weight is read once, as
// a stream, and unpacked in registers. One warp owns one output column n for kRows rows; its lanes stride k in 16 weights
// (single ones where a row is not aligned) and join at the end. No shared memory; x comes from L1. f32 sums, one rounding.
// Grid: x = columns / 4, y = groups of kRows rows.
namespace trtllm::cuda {

struct QuantizedLinearOperands {
  const void *x, *weight;
  const float* scale;
  const void* bias;  // may be null
  void* y;
  int64_t rows, in, out;
  int64_t x_stride, weight_stride, y_stride;
};

template <class W, class T, class Y, int kRows, bool kPacked>
__global__ void __launch_bounds__(128) linear_row_dots_quantized_kernel(QuantizedLinearOperands o) {
  constexpr int kWidth = kPacked ? Pack<W>::kSize : 1;
  constexpr int kXPack = Pack<T>::kSize;
  const int lane = threadIdx.x & 31;
  const int64_t n = static_cast<int64_t>(blockIdx.x) * 4 + (threadIdx.x >> 5);
  if (n >= o.out) return;  // whole warps
  const int64_t first_row = static_cast<int64_t>(blockIdx.y) * kRows;
  const W* weight = static_cast<const W*>(o.weight) + n * o.weight_stride;
  const T* x[kRows];
#pragma unroll
  for (int r = 0; r < kRows; r++) {  // rows beyond the last repeat it; they are not stored
    const int64_t row = first_row + r < o.rows ? first_row + r : o.rows - 1;
    x[r] = static_cast<const T*>(o.x) + row * o.x_stride;
  }
  float sums[kRows] = {};
#pragma unroll 2
  for (int64_t k = lane * kWidth; k < o.in; k += 32 * kWidth) {
    float w[kWidth];
    if constexpr (kPacked) {
      const Pack<W> pack = load_pack(weight + k);
#pragma unroll
      for (int j = 0; j < kWidth; j++) w[j] = to_f32(pack.at[j]);
#pragma unroll
      for (int r = 0; r < kRows; r++) {
#pragma unroll
        for (int part = 0; part < kWidth / kXPack; part++) {
          const Pack<T> values = load_pack(x[r] + k + part * kXPack);
#pragma unroll
          for (int j = 0; j < kXPack; j++) sums[r] = fmaf(to_f32(values.at[j]), w[part * kXPack + j], sums[r]);
        }
      }
    } else {
      w[0] = to_f32(weight[k]);
#pragma unroll
      for (int r = 0; r < kRows; r++) sums[r] = fmaf(to_f32(x[r][k]), w[0], sums[r]);
    }
  }
  const float bias = o.bias != nullptr ? to_f32(static_cast<const T*>(o.bias)[n]) : 0.0f;
#pragma unroll
  for (int r = 0; r < kRows; r++) {
    const float total = warp_reduce(sums[r], Sum());
    if (lane == 0 && first_row + r < o.rows) {
      static_cast<Y*>(o.y)[(first_row + r) * o.y_stride + n] = from_f32<Y>(fmaf(total, o.scale[n], bias));
    }
  }
}

}  // namespace trtllm::cuda

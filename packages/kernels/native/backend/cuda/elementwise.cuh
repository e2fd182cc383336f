#pragma once
#include <trtllm/activations.cuh>
#include <type_traits>

#include "launch.cuh"

// z = f(x, y) over [rows, dim] with contiguous rows; f32 inside, rounded once. One thread makes one 16-byte pack of a row
// (or one element where rows are not aligned), grid stride. No shared memory. Launch with y = x for one operand.
namespace trtllm::cuda {

template <class T, class F, bool kPacked>
__global__ void __launch_bounds__(256) elementwise_kernel(const T* x, const T* y, T* z, int64_t rows, int64_t dim,
                                                          int64_t x_stride, int64_t y_stride, int64_t z_stride, F f) {
  constexpr int kWidth = kPacked ? Pack<T>::kSize : 1;
  const int64_t units = dim / kWidth;
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows * units; i += step) {
    const int64_t row = i / units, at = (i - row * units) * kWidth;
    const T* a = x + row * x_stride + at;
    const T* b = y + row * y_stride + at;
    T* c = z + row * z_stride + at;
    if constexpr (kPacked) {
      const Pack<T> first = load_pack(a), second = load_pack(b);
      Pack<T> result;
#pragma unroll
      for (int j = 0; j < kWidth; j++) result.at[j] = from_f32<T>(f(to_f32(first.at[j]), to_f32(second.at[j])));
      store_pack(c, result);
    } else {
      *c = from_f32<T>(f(to_f32(*a), to_f32(*b)));
    }
  }
}

template <class F>
Status launch_elementwise(const char* op, const TensorRef& x, const TensorRef& y, const TensorRef& z,
                          const LaunchContext& context, F f) {
  const int64_t rows = x.shape[0], dim = x.shape[1];
  if (rows == 0 || dim == 0) return Status();
  return by_float(op, x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const bool packed = dim % Pack<T>::kSize == 0 && rows_are_packed(x) && rows_are_packed(y) && rows_are_packed(z);
    const int64_t units = packed ? dim / Pack<T>::kSize : dim;
    const unsigned grid = grid_of((rows * units + 255) / 256);
    const auto kernel = packed ? elementwise_kernel<T, F, true> : elementwise_kernel<T, F, false>;
    kernel<<<grid, 256, 0, stream_of(context)>>>(x.as<T>(), y.as<T>(), z.as<T>(), rows, dim, x.stride[0], y.stride[0],
                                                 z.stride[0], f);
    return launched(op);
  });
}

struct AddValues {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct MulValues {
  __device__ float operator()(float a, float b) const { return a * b; }
};
struct Silu {
  __device__ float operator()(float a, float) const { return silu(a); }
};
struct SiluMul {
  __device__ float operator()(float a, float b) const { return silu(a) * b; }
};
struct Copy {
  __device__ float operator()(float a, float) const { return a; }
};

}  // namespace trtllm::cuda

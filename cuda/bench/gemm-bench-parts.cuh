#pragma once
#include <dlfcn.h>
#include <trtllm/convert.cuh>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "core/status.h"
#include "core/tensor-ref.h"

// What gemm-bench measures with: made-up operands, a check in f64, power and clock.
namespace trtllm::cuda {

inline void check(const Status& status) {
  if (status.ok()) return;
  printf("%s\n", status.message);
  exit(1);
}
inline void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  printf("%s: %s\n", what, cudaGetErrorString(error));
  exit(1);
}
#define CHECK(x) ::trtllm::cuda::check(x, #x)

// Power in W and clock of the multiprocessors in MHz of the first device, by NVML; 0 without it.
struct Meter {
  void* device = nullptr;
  int (*power)(void*, unsigned*) = nullptr;
  int (*clock)(void*, int, unsigned*) = nullptr;
  double megahertz_seen = 0;

  Meter() {
    void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW);
    if (library == nullptr) return;
    const auto init = reinterpret_cast<int (*)()>(dlsym(library, "nvmlInit_v2"));
    const auto handle = reinterpret_cast<int (*)(unsigned, void**)>(dlsym(library, "nvmlDeviceGetHandleByIndex_v2"));
    if (init == nullptr || handle == nullptr || init() != 0 || handle(0, &device) != 0) return;
    power = reinterpret_cast<int (*)(void*, unsigned*)>(dlsym(library, "nvmlDeviceGetPowerUsage"));
    clock = reinterpret_cast<int (*)(void*, int, unsigned*)>(dlsym(library, "nvmlDeviceGetClockInfo"));
  }

  // Power until `end` has come, the first two fifths of `seconds` left out.
  double average(cudaEvent_t end, double seconds) {
    double watts = 0, megahertz = 0;
    int samples = 0;
    for (int i = 0; cudaEventQuery(end) == cudaErrorNotReady; i++) {
      unsigned milliwatts = 0, now = 0;
      if (i * 0.005 > seconds * 0.4 && power != nullptr && power(device, &milliwatts) == 0 && clock(device, 1, &now) == 0) {
        watts += milliwatts * 1e-3;
        megahertz += now;
        samples++;
      }
      const timespec pause{0, 5000000};
      nanosleep(&pause, nullptr);
    }
    megahertz_seen = samples > 0 ? megahertz / samples : 0;
    return samples > 0 ? watts / samples : 0;
  }
};

inline void* device_memory(int64_t bytes) {
  void* p = nullptr;
  CHECK(cudaMalloc(&p, static_cast<size_t>(bytes)));
  return p;
}

inline TensorRef matrix(void* data, DType dtype, int64_t rows, int64_t columns) {
  TensorRef t;
  t.data = data;
  t.dtype = dtype;
  t.rank = 2;
  t.shape[0] = rows;
  t.shape[1] = columns;
  t.stride[0] = columns;
  t.stride[1] = 1;
  return t;
}

__device__ inline uint64_t mixed(uint64_t i, uint64_t seed) {
  uint64_t z = (i + 1) * 0xBF58476D1CE4E5B9ull + seed * 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}
template <class T>
__global__ void gaussian_kernel(T* to, int64_t count, float deviation, uint64_t seed) {
  for (int64_t i = blockIdx.x * int64_t{blockDim.x} + threadIdx.x; i < count; i += int64_t{gridDim.x} * blockDim.x) {
    const uint64_t z = mixed(static_cast<uint64_t>(i), seed);
    const float u = (static_cast<uint32_t>(z) + 1.0f) * 0x1p-32f, v = static_cast<uint32_t>(z >> 32) * 0x1p-32f;
    to[i] = from_f32<T>(sqrtf(-2.0f * logf(u)) * cospif(2.0f * v) * deviation);
  }
}
__global__ static void uniform_kernel(float* to, int64_t count, float low, float high, uint64_t seed) {
  for (int64_t i = blockIdx.x * int64_t{blockDim.x} + threadIdx.x; i < count; i += int64_t{gridDim.x} * blockDim.x) {
    to[i] = low + (high - low) * static_cast<uint32_t>(mixed(static_cast<uint64_t>(i), seed) >> 32) * 0x1p-32f;
  }
}
inline void fill_gaussian(void* to, DType type, int64_t count, float deviation, uint64_t seed, cudaStream_t stream) {
  if (type == DType::f8) {
    gaussian_kernel<<<2048, 256, 0, stream>>>(static_cast<f8*>(to), count, deviation, seed);
  } else {
    gaussian_kernel<<<2048, 256, 0, stream>>>(static_cast<bf16*>(to), count, deviation, seed);
  }
}
inline float* uniform(int64_t count, float low, float high, uint64_t seed, cudaStream_t stream) {
  float* to = static_cast<float*>(device_memory(count * 4));
  uniform_kernel<<<256, 256, 0, stream>>>(to, count, low, high, seed);
  return to;
}

struct SampledProduct {
  const void *x, *w;
  const float *x_scale, *w_scale;
  int rows, in, columns;  // of y
  bool blocks;
};
template <class E>
__device__ double exact_element(const SampledProduct& o, int row, int column) {
  const int runs = (o.in + 127) / 128;
  double sum = 0;
  for (int k = threadIdx.x & 31; k < o.in; k += 32) {
    double product = static_cast<double>(to_f32(static_cast<const E*>(o.x)[int64_t{row} * o.in + k])) *
                     to_f32(static_cast<const E*>(o.w)[int64_t{column} * o.in + k]);
    if (o.blocks) product *= static_cast<double>(o.x_scale[int64_t{row} * runs + k / 128]) * o.w_scale[column / 128 * runs + k / 128];
    sum += product;
  }
  for (int i = 16; i > 0; i >>= 1) sum += __shfl_xor_sync(~0u, sum, i);
  return o.blocks || o.x_scale == nullptr ? sum : sum * o.x_scale[row] * o.w_scale[column];
}
// A warp an element; the last row and the last column are among them. sums: squares of differences, squares of values.
template <class E>
__global__ void compare_samples(SampledProduct o, const bf16* y, double* sums) {
  const int sample = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) / 32;
  const uint64_t z = mixed(static_cast<uint64_t>(sample), 77);
  const int row = sample % 8 == 0 ? o.rows - 1 : static_cast<int>(static_cast<uint32_t>(z) % static_cast<uint32_t>(o.rows));
  const int column = sample % 8 == 1 ? o.columns - 1 : static_cast<int>(static_cast<uint32_t>(z >> 32) % static_cast<uint32_t>(o.columns));
  const double want = exact_element<E>(o, row, column);
  const double got = to_f32(y[int64_t{row} * o.columns + column]);
  if (threadIdx.x % 32 != 0) return;
  atomicAdd(&sums[0], got == got ? (got - want) * (got - want) : 1e30);
  atomicAdd(&sums[1], want * want);
}

}  // namespace trtllm::cuda

#pragma once
#include <trtllm/convert.cuh>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

// What the benches of attention share: made-up operands on the device, and an end at the first error.
namespace trtllm::cuda {

inline void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  printf("%s: %s\n", what, cudaGetErrorString(error));
  exit(1);
}

template <class T>
__global__ void fill_kernel(T* to, size_t count, float deviation, uint32_t seed) {
  for (size_t i = blockIdx.x * size_t(blockDim.x) + threadIdx.x; i < count; i += size_t(gridDim.x) * blockDim.x) {
    uint32_t h = static_cast<uint32_t>(i) * 2654435761u ^ static_cast<uint32_t>(i >> 32) ^ seed;
    float sum = 0;
    for (int k = 0; k < 4; k++) {
      h ^= h >> 16, h *= 0x7feb352du, h ^= h >> 15, h *= 0x846ca68bu, h ^= h >> 16;
      sum += static_cast<float>(h >> 8) * 0x1p-24f - 0.5f;
    }
    to[i] = from_f32<T>(sum * 1.73f * deviation);
  }
}
template <class T>
T* filled(size_t count, float deviation, uint32_t seed) {
  T* p = nullptr;
  check(cudaMalloc(&p, count * sizeof(T)), "malloc");
  fill_kernel<<<2048, 256>>>(p, count, deviation, seed);
  return p;
}
inline int32_t* uploaded(const std::vector<int32_t>& values) {
  int32_t* p = nullptr;
  check(cudaMalloc(&p, values.size() * 4 + 4), "malloc");
  check(cudaMemcpy(p, values.data(), values.size() * 4, cudaMemcpyHostToDevice), "upload");
  return p;
}

}  // namespace trtllm::cuda

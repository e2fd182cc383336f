#pragma once
#include <cstdint>

#if defined(__CUDACC__)
#define TRTLLM_HOST_DEVICE __host__ __device__
#else
#define TRTLLM_HOST_DEVICE
#endif

namespace trtllm {

// Value `index` of a stream of near-gaussian numbers with mean 0 and deviation 1: the sum of four uniform 16-bit
// integers, cut at 3.46. Integer work and one product, so every backend gives the same bits.
TRTLLM_HOST_DEVICE static inline float gaussian_at(uint64_t seed, uint64_t index) {
  uint64_t z = seed * 0x9e3779b97f4a7c15u + index + 0x632be59bd9b4e019u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  const int32_t sum = static_cast<int32_t>((z & 0xffff) + (z >> 16 & 0xffff) + (z >> 32 & 0xffff) + (z >> 48));
  return static_cast<float>(sum - 131070) * 2.6428997e-05f;  // 1 / sqrt(4 (2^32 - 1) / 12)
}

}  // namespace trtllm

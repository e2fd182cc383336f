#pragma once
#include <cstdint>

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011). The same stream as
// native/backend/cpu/philox.h.
namespace trtllm::cuda {

struct PhiloxBlock {
  uint32_t word[4];
};

__host__ __device__ inline PhiloxBlock philox(uint64_t counter, uint32_t key_low, uint32_t key_high) {
  uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0};
  for (int round = 0; round < 10; round++) {
    const uint64_t first = static_cast<uint64_t>(0xD2511F53u) * c[0];
    const uint64_t second = static_cast<uint64_t>(0xCD9E8D57u) * c[2];
    const uint32_t c1 = c[1], c3 = c[3];
    c[0] = static_cast<uint32_t>(second >> 32) ^ c1 ^ key_low;
    c[1] = static_cast<uint32_t>(second);
    c[2] = static_cast<uint32_t>(first >> 32) ^ c3 ^ key_high;
    c[3] = static_cast<uint32_t>(first);
    key_low += 0x9E3779B9u;
    key_high += 0xBB67AE85u;
  }
  return PhiloxBlock{{c[0], c[1], c[2], c[3]}};
}

// Uniform in [0, 1), 24 bits of word 0.
__host__ __device__ inline double philox_uniform(uint32_t counter, uint32_t key_low, uint32_t key_high) {
  return static_cast<double>(philox(counter, key_low, key_high).word[0] >> 8) * 0x1p-24;
}

}  // namespace trtllm::cuda

#pragma once
#include <cstdint>

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
namespace trtllm {

// Word 0 of the block for this counter (low word; the other three are zero) and key.
static inline uint32_t philox_word(uint32_t counter, uint32_t key_low, uint32_t key_high) {
  uint32_t c[4] = {counter, 0, 0, 0};
  for (int round = 0; round < 10; round++) {
    const uint64_t first = static_cast<uint64_t>(0xD2511F53u) * c[0];
    const uint64_t second = static_cast<uint64_t>(0xCD9E8D57u) * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(second >> 32) ^ c[1] ^ key_low, static_cast<uint32_t>(second),
                              static_cast<uint32_t>(first >> 32) ^ c[3] ^ key_high, static_cast<uint32_t>(first)};
    for (int i = 0; i < 4; i++) c[i] = next[i];
    key_low += 0x9E3779B9u;
    key_high += 0xBB67AE85u;
  }
  return c[0];
}

// Uniform in [0, 1), 24 bits.
static inline double philox_uniform(uint32_t counter, uint32_t key_low, uint32_t key_high) {
  return static_cast<double>(philox_word(counter, key_low, key_high) >> 8) * 0x1p-24;
}

}  // namespace trtllm

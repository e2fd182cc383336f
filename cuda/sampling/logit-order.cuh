#pragma once
#include <trtllm/reduce.cuh>

// Orders over a row of logits, by one block of kThreads threads: the best id, the cut that keeps the best ones up to a
// count or a mass, and the first id in id order where a running total passes a limit. The meaning is that of
// native/backend/cpu/logit-order.h. Masses are integers (units of 2^-40, each weight at most 1, so that 2^23 weights fit):
// their sums do not depend on the order of atomics, and a row gives the same id on every run.
namespace trtllm::cuda {

constexpr int kSelectThreads = 1024;
constexpr int kSelectWarps = kSelectThreads / 32;
constexpr int kHistogramCopies = 8;  // fewer collisions of atomics: logits share few leading bytes
constexpr double kMassUnit = 0x1p40;

using Mass = unsigned long long;

// Integers in the order of the logits; NaN counts as -inf, and the two zeros are equal.
__host__ __device__ __forceinline__ uint32_t order_key(float logit) {
  const float x = logit == logit ? logit + 0.0f : -__builtin_inff();
  uint32_t u;
  __builtin_memcpy(&u, &x, 4);
  return u & 0x80000000u ? ~u : u | 0x80000000u;
}

__device__ __forceinline__ float logit_of(uint32_t key) {
  return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

// Shared memory of the functions below: 26 KB.
struct SelectMemory {
  Mass mass[kHistogramCopies][256];
  unsigned members[kHistogramCopies][256];
  Mass warp_total[kSelectWarps];
  uint32_t prefix;
  uint32_t ties;
  bool done;
  Mass above;
  long long found;
};

// Keeps ids whose key is above `key`, and of those at `key` the `ties` lowest ids.
struct Cut {
  uint32_t key;
  int64_t ties;
};

// The smallest best-first prefix whose mass reaches `limit`; everything when nothing does. `mass_of(id)` is an id's mass.
// Radix descent, a byte of the key a level.
template <class MassOf>
__device__ Cut find_cut(SelectMemory& shared, const float* logits, int64_t count, double limit, MassOf mass_of) {
  const unsigned copy = (threadIdx.x >> 5) % kHistogramCopies;
  __syncthreads();
  if (threadIdx.x == 0) {
    shared.prefix = 0;
    shared.above = 0;
    shared.done = false;
  }
  for (int shift = 24; shift >= 0; shift -= 8) {
    for (unsigned i = threadIdx.x; i < kHistogramCopies * 256; i += kSelectThreads) {
      shared.mass[i / 256][i % 256] = 0;
      shared.members[i / 256][i % 256] = 0;
    }
    __syncthreads();
    const uint32_t known = shift == 24 ? 0 : ~0u << (shift + 8);
    const uint32_t prefix = shared.prefix;
    for (int64_t i = threadIdx.x; i < count; i += kSelectThreads) {
      const uint32_t key = order_key(logits[i]);
      if ((key & known) != prefix) continue;
      const unsigned digit = key >> shift & 255u;
      const Mass mass = mass_of(i);
      if (mass != 0) atomicAdd(&shared.mass[copy][digit], mass);
      atomicAdd(&shared.members[copy][digit], 1u);
    }
    __syncthreads();
    if (threadIdx.x < 256) {
      for (int c = 1; c < kHistogramCopies; c++) {
        shared.mass[0][threadIdx.x] += shared.mass[c][threadIdx.x];
        shared.members[0][threadIdx.x] += shared.members[c][threadIdx.x];
      }
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      Mass above = shared.above;
      int digit = 255;
      while (digit >= 0 && static_cast<double>(above + shared.mass[0][digit]) < limit) above += shared.mass[0][digit--];
      if (digit < 0) {
        shared.done = true;
      } else {
        shared.prefix = prefix | static_cast<uint32_t>(digit) << shift;
        shared.above = above;
        if (shift == 0) {
          // Equal keys have equal masses, but for those that an earlier cut took.
          const unsigned members = shared.members[0][digit];
          const double each = static_cast<double>(shared.mass[0][digit]) / members;
          const double wanted = each > 0 ? ceil((limit - static_cast<double>(above)) / each) : 1.0;
          shared.ties = wanted < 1 ? 1u : wanted >= members ? members : static_cast<uint32_t>(wanted);
        }
      }
    }
    __syncthreads();
    if (shared.done) return Cut{0, count};
  }
  return Cut{shared.prefix, static_cast<int64_t>(shared.ties)};
}

// The first id in id order whose running mass exceeds `limit`, else -1; the same in every thread. Each warp owns a
// contiguous stretch of ids: totals first, then the one warp whose stretch crosses the limit scans it.
template <class MassOf>
__device__ int64_t find_crossing(SelectMemory& shared, int64_t count, Mass limit, MassOf mass_of) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int64_t stretch = (count + kSelectThreads - 1) / kSelectThreads * 32;
  const int64_t begin = warp * stretch < count ? warp * stretch : count;
  const int64_t end = begin + stretch < count ? begin + stretch : count;
  Mass total = 0;
  for (int64_t i = begin + lane; i < end; i += 32) total += mass_of(i);
  total = warp_reduce(total, Sum());
  __syncthreads();
  if (lane == 0) shared.warp_total[warp] = total;
  if (threadIdx.x == 0) shared.found = -1;
  __syncthreads();
  Mass running = 0;
  for (int w = 0; w < warp; w++) running += shared.warp_total[w];
  if (running <= limit && running + total > limit) {
    for (int64_t base = begin; base < end; base += 32) {
      Mass sum = base + lane < end ? mass_of(base + lane) : 0;
      for (int offset = 1; offset < 32; offset <<= 1) {
        const Mass before = __shfl_up_sync(kFullWarp, sum, offset);
        if (lane >= offset) sum += before;
      }
      const unsigned crossed = __ballot_sync(kFullWarp, running + sum > limit);
      if (crossed != 0) {
        if (lane == 0) shared.found = base + __ffs(static_cast<int>(crossed)) - 1;
        break;
      }
      running += __shfl_sync(kFullWarp, sum, 31);
    }
  }
  __syncthreads();
  return shared.found;
}

// A cut as a test of one id: ties beyond `last_tie` are out.
struct Kept {
  uint32_t key = 0;
  int64_t last_tie = 0x7fffffffffffffff;

  __device__ __forceinline__ bool has(uint32_t other, int64_t id) const {
    return other > key || (other == key && id <= last_tie);
  }
};

__device__ inline Kept kept_by(SelectMemory& shared, const float* logits, int64_t count, const Cut& cut) {
  const int64_t last = find_crossing(shared, count, static_cast<Mass>(cut.ties - 1),
                                     [&](int64_t i) -> Mass { return order_key(logits[i]) == cut.key ? 1 : 0; });
  return last < 0 ? Kept{cut.key} : Kept{cut.key, last};
}

struct Best {
  float logit;
  int64_t id;
  bool has_nan;
};

// The largest logit and the lowest id that has it (id 0 when all are -inf or NaN), and whether a logit is NaN.
__device__ inline Best find_best(const float* logits, int64_t count) {
  unsigned long long best = 0;
  bool has_nan = false;
  for (int64_t i = threadIdx.x; i < count; i += kSelectThreads) {
    const float logit = logits[i];
    has_nan |= logit != logit;
    const unsigned long long packed = static_cast<unsigned long long>(order_key(logit)) << 32 |
                                      (0xffffffffu - static_cast<uint32_t>(i));
    best = packed > best ? packed : best;
  }
  best = block_reduce(best, Max());
  const float logit = best == 0 ? -__builtin_inff() : logit_of(static_cast<uint32_t>(best >> 32));
  const int64_t id = best == 0 || logit == -__builtin_inff() ? 0 : static_cast<int64_t>(0xffffffffu - static_cast<uint32_t>(best));
  return Best{logit, id, __syncthreads_or(has_nan) != 0};
}

// log(sum(exp(logit))) in f64; an infinite best logit is the answer itself.
__device__ inline double log_sum_exp(const float* logits, int64_t count) {
  const float best = find_best(logits, count).logit;
  if (best - best != 0) return best;
  double total = 0;
  for (int64_t i = threadIdx.x; i < count; i += kSelectThreads) {
    const float logit = logits[i];
    if (logit == logit) total += static_cast<double>(expf(logit - best));
  }
  return best + log(block_reduce(total, Sum()));
}

// A logit as a log probability. An infinite normalizer leaves certainty for its own logit and none for the others.
__device__ inline float logprob_of(float logit, double normalizer) {
  if (!(logit > -__builtin_inff())) return -__builtin_inff();
  if (normalizer - normalizer != 0) return logit == normalizer ? 0.0f : -__builtin_inff();
  return static_cast<float>(logit - normalizer);
}

}  // namespace trtllm::cuda

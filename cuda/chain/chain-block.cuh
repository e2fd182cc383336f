#pragma once
#include <attention/rotary.cuh>
#include <trtllm/ptx/exchange.cuh>
#include <trtllm/ptx/named-barrier.cuh>
#include <trtllm/ptx/tensor-copy.sm90.cuh>
#include <trtllm/reduce.cuh>
#include <trtllm/vector-io.cuh>

#include "chain-shared.h"

// What the warps of a chain's block share: its division of shared memory, vectors that blocks hand over, and which part of a
// weight is whose.
//
// A vector is handed over without counters or fences: it is full of `absent` before, a pattern that no rounding gives (the
// NaN of all ones), and readers ask again for what is absent. Each value tells for itself that it is there.
namespace trtllm::cuda {

constexpr uint16_t kAbsent = 0xffff;
constexpr uint32_t kAbsentWord = 0xffffffff;

extern __shared__ __align__(128) unsigned char chain_memory[];

__device__ __forceinline__ ChainShared& chain_shared() { return *reinterpret_cast<ChainShared*>(chain_memory); }

// What a consumer carries from link to link, and where things are.
struct ChainBlock {
  const ChainProgram& p;
  uint32_t launch;  // vectors handed over in this launch are those of its parity
  int stage = 0;
  uint32_t parity = 0;
  int parts_buffer = 0;
  float input_factor = 1;  // what the warp's x was multiplied by

  __device__ __forceinline__ ChainBlock(const ChainProgram& program, uint32_t number) : p(program), launch(number) {}

  __device__ __forceinline__ unsigned char* residual() const { return chain_memory + kChainSharedBytes; }
  __device__ __forceinline__ unsigned char* x() const { return chain_memory + p.input_offset; }
  __device__ __forceinline__ unsigned char* ring() const { return chain_memory + p.ring_offset; }

  template <class E>
  __device__ __forceinline__ E* now(const HandedOver& v) const {
    return reinterpret_cast<E*>(p.handed + v.at + ((launch & 1) != 0 ? p.flip_bytes : 0));
  }
  template <class E>
  __device__ __forceinline__ E* before(const HandedOver& v) const {
    return reinterpret_cast<E*>(p.handed + v.at + ((launch & 1) != 0 ? 0 : p.flip_bytes));
  }
};

__device__ __forceinline__ uint32_t chain_address(const void* p) { return static_cast<uint32_t>(__cvta_generic_to_shared(p)); }

__device__ __forceinline__ void meet_consumers() { wait_at_barrier(1, kChainConsumers); }

// HAZARD: between two calls with the same `buffer` there is another meeting.
__device__ __forceinline__ float sum_of_consumers(int buffer, float sum) {
  sum = warp_reduce(sum, Sum());
  float* sums = chain_shared().sums[buffer];
  if ((threadIdx.x & 31) == 0) sums[threadIdx.x >> 5] = sum;
  meet_consumers();
  float all = sums[0];
#pragma unroll
  for (int w = 1; w < kChainWarps; w++) all += sums[w];
  return all;
}

// One of eight 16-bit elements is absent.
__device__ __forceinline__ bool has_absent(const uint4& v) {
  const auto half_is_ones = [](uint32_t w) { return (~w - 0x00010001u) & w & 0x80008000u; };
  return (half_is_ones(v.x) | half_is_ones(v.y) | half_is_ones(v.z) | half_is_ones(v.w)) != 0;
}

template <class T>
__device__ __forceinline__ void hand_over(T* to, T value) {
  write_exchanged(reinterpret_cast<uint16_t*>(to), *reinterpret_cast<const uint16_t*>(&value));
}
template <class T>
__device__ __forceinline__ void clear_handed(T* at) {
  write_exchanged(reinterpret_cast<uint16_t*>(at), kAbsent);
}
// Two neighbours, of 32 bits or of 16.
__device__ __forceinline__ uint32_t present_bits(float value) {
  const uint32_t bits = __float_as_uint(value);
  return bits == kAbsentWord ? 0x7fffffffu : bits;
}
__device__ __forceinline__ void hand_over_pair(float* to, float first, float second) {
  write_exchanged_pair(to, uint2{present_bits(first), present_bits(second)});
}
__device__ __forceinline__ void clear_handed_pair(float* at) { write_exchanged_pair(at, uint2{kAbsentWord, kAbsentWord}); }
template <class T>
__device__ __forceinline__ void hand_over_pair(T* to, uint32_t pair) {
  write_exchanged(reinterpret_cast<float*>(to), pair);
}
template <class T>
__device__ __forceinline__ void clear_handed_pair(T* at) {
  write_exchanged(reinterpret_cast<float*>(at), kAbsentWord);
}
__device__ __forceinline__ bool is_absent(uint2 pair) { return pair.x == kAbsentWord || pair.y == kAbsentWord; }
__device__ __forceinline__ float2 await_pair(const float* p, uint2 bits) {
  while (is_absent(bits)) bits = read_exchanged_pair(p);
  return float2{__uint_as_float(bits.x), __uint_as_float(bits.y)};
}

// The k-th of the kTileColumns rows of the weight in a tile: neighbours, or of a gated linear half from each half.
__device__ __forceinline__ int row_of_tile(bool is_gated, int out, int tile, int k) {
  constexpr int kHalf = kTileColumns / 2;
  if (!is_gated) return tile * kTileColumns + k;
  return (k < kHalf ? 0 : out / 2 - kHalf) + tile * kHalf + k;
}

__device__ __forceinline__ int first_tile_of_block(const LinearLink& l) {
  const int distance = static_cast<int>(blockIdx.x) - l.first_tile;  // first_tile: 0 to blocks - 1
  return distance < 0 ? distance + static_cast<int>(gridDim.x) : distance;
}

// How rows of a weight are cut: into chunks of nearly one length, and these into pieces of 64 bytes, of which a warp takes
// `each` that lie together. The tiles of a group pass one chunk after the other: a warp has the x of a chunk in registers.
struct RowCut {
  int row_bytes, chunk_bytes;

  __device__ __forceinline__ explicit RowCut(int bytes) : row_bytes(bytes) {
    constexpr int kStep = kChainWarps * 64;
    const int chunks = (bytes + kChainChunk - 1) / kChainChunk;
    chunk_bytes = ((bytes + chunks - 1) / chunks + kStep - 1) / kStep * kStep;
  }
  __device__ __forceinline__ int bytes_at(int at) const { return row_bytes - at < chunk_bytes ? row_bytes - at : chunk_bytes; }
};

// A warp's pieces of a chunk.
struct WarpPieces {
  int first, count;

  __device__ __forceinline__ WarpPieces(const RowCut& cut, int at) {
    const int pieces = cut.bytes_at(at) / 64, each = (pieces + kChainWarps - 1) / kChainWarps;
    first = static_cast<int>(threadIdx.x >> 5) * each;
    const int left = pieces - first;
    count = left < 0 ? 0 : left < each ? left : each;
  }
};

}  // namespace trtllm::cuda

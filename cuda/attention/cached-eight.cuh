#pragma once
#include <trtllm/vector-io.cuh>

// Eight neighbours of a cache as T in 16 bytes: as they are, or f8 widened, exactly.
// HAZARD: `p` must be aligned to the eight.
namespace trtllm::cuda {

template <class T>
__device__ __forceinline__ uint4 eight_of(const T* p) {
  return *reinterpret_cast<const uint4*>(p);
}

template <class T>
__device__ __forceinline__ uint4 eight_of(const f8* p) {
  const uint2 bytes = *reinterpret_cast<const uint2*>(p);
  alignas(8) f8 narrow[8];
  *reinterpret_cast<uint2*>(narrow) = bytes;
  Pack<T> wide;
#pragma unroll
  for (int i = 0; i < 8; i++) wide.at[i] = from_f32<T>(to_f32(narrow[i]));
  return *reinterpret_cast<const uint4*>(&wide);
}

}  // namespace trtllm::cuda

#pragma once
#include <cuda.h>
#include <cudaTypedefs.h>
#include <cuda_runtime.h>

#include <cstdint>

// Descriptions of tensors for the copy engine (sm_90). Made on the host; copied into each launch as an argument.
namespace trtllm::cuda {

// From the driver; null before CUDA 12.
inline PFN_cuTensorMapEncodeTiled_v12000 tensor_map_encoder() {
  static const auto encoder = [] {
    void* symbol = nullptr;
    cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
    const cudaError_t error = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &symbol, 12000, cudaEnableDefault, &found);
    return reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(error == cudaSuccess && found == cudaDriverEntryPointSuccess ? symbol : nullptr);
  }();
  return encoder;
}

// Boxes of `box` elements of a tensor of `sizes`, its first axis contiguous and the others `strides` bytes apart; in shared
// memory each box row is 128 bytes (or 64), swizzled. Outside the tensor there are zeros.
inline bool make_tensor_map(CUtensorMap* map, const void* data, CUtensorMapDataType type, int rank, const uint64_t* sizes,
                            const uint64_t* strides, const uint32_t* box, uint32_t row_bytes) {
  const auto encode = tensor_map_encoder();
  const uint32_t steps[5] = {1, 1, 1, 1, 1};
  const CUtensorMapSwizzle swizzle = row_bytes == 128 ? CU_TENSOR_MAP_SWIZZLE_128B : CU_TENSOR_MAP_SWIZZLE_64B;
  return encode != nullptr &&
         encode(map, type, static_cast<uint32_t>(rank), const_cast<void*>(data), sizes, strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
                swizzle, CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

inline CUtensorMapDataType map_type(int64_t element_bytes) {
  return element_bytes == 1 ? CU_TENSOR_MAP_DATA_TYPE_UINT8 : CU_TENSOR_MAP_DATA_TYPE_UINT16;
}

// The cache as `rows` rows of `head_dim` elements, in boxes of 32 rows and up to 128 bytes.
inline bool make_cache_map(CUtensorMap* map, const void* cache, int64_t rows, int64_t head_dim, int64_t element_bytes) {
  const uint64_t row_bytes = static_cast<uint64_t>(head_dim * element_bytes);
  const uint32_t block_bytes = row_bytes < 128 ? static_cast<uint32_t>(row_bytes) : 128;
  const uint64_t sizes[2] = {static_cast<uint64_t>(head_dim), static_cast<uint64_t>(rows)}, strides[1] = {row_bytes};
  const uint32_t box[2] = {block_bytes / static_cast<uint32_t>(element_bytes), 32};
  return make_tensor_map(map, cache, map_type(element_bytes), 2, sizes, strides, box, block_bytes);
}

// q [tokens, heads, head_dim] in boxes of 64 elements, `group` heads and `queries` tokens.
inline bool make_query_map(CUtensorMap* map, const void* q, int64_t tokens, int64_t heads, int64_t head_dim, int64_t token_stride,
                           int64_t head_stride, int64_t group, int64_t queries) {
  const uint64_t sizes[3] = {static_cast<uint64_t>(head_dim), static_cast<uint64_t>(heads), static_cast<uint64_t>(tokens)};
  const uint64_t strides[2] = {static_cast<uint64_t>(head_stride) * 2, static_cast<uint64_t>(token_stride) * 2};
  const uint32_t box[3] = {64, static_cast<uint32_t>(group), static_cast<uint32_t>(queries)};
  return make_tensor_map(map, q, map_type(2), 3, sizes, strides, box, 128);
}

}  // namespace trtllm::cuda

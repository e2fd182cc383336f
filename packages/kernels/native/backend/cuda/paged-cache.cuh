#pragma once
#include "../../core/tensor-ref.h"

// The paged cache [pages, 2, kvHeads, pageTokens, headDim] seen through a page table [slots, maxPages].
namespace trtllm::cuda {

template <class T>
struct PagedCache {
  const int32_t* table;
  int64_t slots, columns, table_stride;
  T* cache;
  int64_t num_pages, page_stride, part_stride, head_stride, token_stride;
  int32_t page_tokens;

  static PagedCache of(const TensorRef& table, const TensorRef& cache) {
    return PagedCache{table.as<int32_t>(), table.shape[0],  table.shape[1],  table.stride[0],
                      cache.as<T>(),       cache.shape[0],  cache.stride[0], cache.stride[1],
                      cache.stride[2],     cache.stride[3], static_cast<int32_t>(cache.shape[3])};
  }

  // -1 where the table has no page.
  __device__ __forceinline__ int64_t page_of(int64_t slot, int64_t position) const {
    const int64_t column = position / page_tokens;
    if (slot < 0 || slot >= slots || position < 0 || column >= columns) return -1;
    const int64_t page = table[slot * table_stride + column];
    return page >= 0 && page < num_pages ? page : -1;
  }

  // First element of the key (part 0) or value (part 1) of a token; null where there is no page.
  __device__ __forceinline__ T* at(int64_t slot, int64_t position, int part, int64_t head) const {
    const int64_t page = page_of(slot, position);
    if (page < 0) return nullptr;
    return cache + page * page_stride + part * part_stride + head * head_stride +
           position % page_tokens * token_stride;
  }
};

}  // namespace trtllm::cuda

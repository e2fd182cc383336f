#pragma once
#include <type_traits>

#include "launch.cuh"

// A paged cache, of heads [pages, 2, kvHeads, kPageTokens, headDim] or of latent vectors [pages, kPageTokens, width], seen
// through a page table [slots, maxPages]. Elements of heads have the type of the rows that are written to them or read
// beside them, or are f8: numbers times a scale of keys, one of values.
namespace trtllm::cuda {

// PERF: a constant, since a division of 64-bit integers for each 16 bytes read costs more than the reading.
constexpr int kPageTokens = 32;

template <class T>
struct PagedCache {
  const int32_t* table;
  int64_t slots, columns, table_stride;
  T* cache;
  int64_t num_pages, page_stride, part_stride, head_stride, token_stride;

  static PagedCache of(const TensorRef& table, const TensorRef& cache) {
    return PagedCache{table.as<int32_t>(), table.shape[0],  table.shape[1],  table.stride[0], cache.as<T>(),
                      cache.shape[0],      cache.stride[0], cache.stride[1], cache.stride[2], cache.stride[3]};
  }

  // Latent vectors lie where the keys of one head would.
  static PagedCache of_latent(const TensorRef& table, const TensorRef& cache) {
    return PagedCache{table.as<int32_t>(), table.shape[0],  table.shape[1], table.stride[0], cache.as<T>(),
                      cache.shape[0],      cache.stride[0], 0,              0,               cache.stride[1]};
  }

  // The page in `column` of a slot; -1 where the table has none.
  __device__ __forceinline__ int64_t page_in(int64_t slot, int64_t column) const {
    if (slot < 0 || slot >= slots || column < 0 || column >= columns) return -1;
    const int64_t page = table[slot * table_stride + column];
    return page >= 0 && page < num_pages ? page : -1;
  }

  // First element of the key (part 0) or value (part 1) of the first token of a page.
  __device__ __forceinline__ T* page_at(int64_t page, int part, int64_t head) const {
    return cache + page * page_stride + part * part_stride + head * head_stride;
  }

  // First element of the key (part 0) or value (part 1) of a token; null where there is no page.
  __device__ __forceinline__ T* at(int64_t slot, int64_t position, int part, int64_t head) const {
    if (position < 0) return nullptr;
    const int64_t page = page_in(slot, position / kPageTokens);
    return page < 0 ? nullptr : page_at(page, part, head) + position % kPageTokens * token_stride;
  }
};

// x as a cache of C keeps it: as it is, or times `inverse` (1 / scale) and rounded.
template <class C, class T>
__device__ __forceinline__ C kept(T x, float inverse) {
  if constexpr (std::is_same_v<C, T>) {
    return x;
  } else {
    return from_f32<C>(to_f32(x) * inverse);
  }
}

// Calls f(T*, C*) with the types of rows and of the cache, as null pointers.
template <class F>
Status by_cache(const char* op, const TensorRef& rows, const TensorRef& cache, F&& f) {
  return by_float(op, rows.dtype, [&](auto* type) {
    return cache.dtype == DType::f8 ? f(type, static_cast<f8*>(nullptr)) : f(type, type);
  });
}

// The cache has the type of what is written to it or read beside it, or f8, and pages of kPageTokens tokens.
inline Status check_cache(const char* op, const TensorRef& beside, const TensorRef& cache) {
  if ((beside.dtype == cache.dtype || cache.dtype == DType::f8) && cache.shape[3] == kPageTokens) return Status();
  return Status::error(Code::unsupported,
                       "%s: a %s cache of %lld tokens a page for %s rows; types must agree or the cache be f8, pages hold %d", op,
                       dtype_name(cache.dtype), static_cast<long long>(cache.shape[3]), dtype_name(beside.dtype), kPageTokens);
}

// The same of a cache of latent vectors of `width` elements.
inline Status check_latent_cache(const char* op, const TensorRef& beside, int64_t width, const TensorRef& cache) {
  if (beside.dtype == cache.dtype && cache.shape[1] == kPageTokens && cache.shape[2] == width) return Status();
  return Status::error(Code::unsupported,
                       "%s: a %s cache of %lld tokens a page of %lld for %s rows of %lld; types and widths must agree, pages "
                       "hold %d",
                       op, dtype_name(cache.dtype), static_cast<long long>(cache.shape[1]), static_cast<long long>(cache.shape[2]),
                       dtype_name(beside.dtype), static_cast<long long>(width), kPageTokens);
}

}  // namespace trtllm::cuda

#pragma once
#include "../../core/status.h"
#include "../../core/tensor-ref.h"

// A paged cache, of heads [pages, 2, kvHeads, pageTokens, headDim] or of latent vectors [pages, pageTokens, width], seen
// through a page table [slots, maxPages].
namespace trtllm {
namespace ISA_NS {

struct Pages {
  const TensorRef& table;
  const TensorRef& cache;

  int64_t page_tokens() const { return cache.shape[cache.rank - 2]; }

  // The page of `position` of `slot`, or -1 where the table has none.
  int64_t page_of(int64_t slot, int64_t position) const {
    const int64_t column = position / page_tokens();
    if (slot < 0 || slot >= table.shape[0] || position < 0 || column >= table.shape[1]) return -1;
    const int64_t page = table.as<int32_t>()[slot * table.stride[0] + column];
    return page < cache.shape[0] ? page : -1;
  }

  // First element of the latent vector of the first token of a page.
  template <class T>
  T* latent_at(int64_t page) const {
    return cache.as<T>() + page * cache.stride[0];
  }

  // First element of `head` in a page; `part` 0 is keys, 1 values.
  template <class T>
  T* at(int64_t page, int part, int64_t head) const {
    return cache.as<T>() + page * cache.stride[0] + part * cache.stride[1] + head * cache.stride[2];
  }

  Status missing(const char* op, int64_t slot, int64_t position) const {
    return Status::error(Code::invalid, "%s: slot %lld has no page for position %lld (%lld slots, %lld pages each)", op,
                         static_cast<long long>(slot), static_cast<long long>(position),
                         static_cast<long long>(table.shape[0]), static_cast<long long>(table.shape[1]));
  }
};

// Every (slot, position) pair must have a page before anything is written.
static inline Status check_pages(const char* op, const Pages& pages, const int32_t* slots, const int32_t* positions,
                                 int64_t count) {
  for (int64_t t = 0; t < count; t++) {
    if (pages.page_of(slots[t], positions[t]) < 0) return pages.missing(op, slots[t], positions[t]);
  }
  return Status();
}

// A latent cache has the type of what is written to it, and its width.
static inline Status check_latent(const char* op, const TensorRef& rows, int64_t width, const TensorRef& cache) {
  if (rows.dtype == cache.dtype && cache.shape[2] == width) return Status();
  return Status::error(Code::unsupported, "%s: a %s cache of width %lld for %s rows of %lld; both must agree", op,
                       dtype_name(cache.dtype), static_cast<long long>(cache.shape[2]), dtype_name(rows.dtype),
                       static_cast<long long>(width));
}

}  // namespace ISA_NS
}  // namespace trtllm

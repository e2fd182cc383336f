#pragma once
#include "by-dtype.h"
#include "pages.h"
#include "vec.h"

// Writing heads of keys and values to pages: copied to a cache of their own type, or times the f32 nearest to 1 / scale
// and rounded to f8.
namespace trtllm {
namespace ISA_NS {

struct CacheWrite {
  const Pages& pages;
  float inverse[2];  // 1 / scale of keys, of values

  // From the operands that the writing ops share.
  template <class Args>
  static CacheWrite of(const Args& o, const Pages& pages) {
    return CacheWrite{pages, {1.0f / o.key_scale, 1.0f / o.value_scale}};
  }

  // One head, `dim` elements, of the token at `row` of a page; `part` 0 is keys, 1 values.
  template <class T>
  void put(int64_t page, int part, int64_t head, int64_t row, const T* x, int64_t dim) const {
    if (pages.cache.dtype != DType::f8) {
      memcpy(pages.at<T>(page, part, head) + row * dim, x, static_cast<size_t>(dim) * sizeof(T));
      return;
    }
    F8* to = pages.at<F8>(page, part, head) + row * dim;
    const Vec factor = set(inverse[part]);
    for_stretches(dim, [&](int64_t i, int n) { store_stretch(to + i, mul(load_stretch(x + i, n), factor), n); });
  }
};

// Every (slot, position) has a page, and the cache is of the type of what is written, or f8.
template <class Args>
static inline Status check_write(const char* op, const Args& o, const Pages& pages) {
  if (o.cache.dtype != o.k.dtype && o.cache.dtype != DType::f8) {
    return Status::error(Code::unsupported, "%s: k is %s, the cache %s; expected the same, or a cache of f8", op,
                         dtype_name(o.k.dtype), dtype_name(o.cache.dtype));
  }
  return check_pages(op, pages, o.token_slot.template as<int32_t>(), o.positions.template as<int32_t>(), o.k.shape[0]);
}

}  // namespace ISA_NS
}  // namespace trtllm

#pragma once
#include <type_traits>

#include "../../core/kernel.h"
#include "../../core/thread-pool.h"
#include "by-dtype.h"
#include "vec.h"

// z = f(x) and z = f(x, y) over [rows, dim] with contiguous rows; computed in f32 and rounded once.
namespace trtllm {
namespace ISA_NS {

template <class F>
static inline Status map_rows(const char* op, const TensorRef& x, const TensorRef& z, LaunchContext& context, F&& f) {
  return by_float(op, x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const int64_t dim = x.shape[1];
    context.pool->for_each(x.shape[0], row_grain(dim), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) {
        const T* a = row_of<T>(x, row);
        T* c = row_of<T>(z, row);
        for_stretches(dim, [&](int64_t i, int n) { store_stretch(c + i, f(load_stretch(a + i, n)), n); });
      }
    });
    return Status();
  });
}

template <class F>
static inline Status zip_rows(const char* op, const TensorRef& x, const TensorRef& y, const TensorRef& z,
                              LaunchContext& context, F&& f) {
  return by_float(op, x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const int64_t dim = x.shape[1];
    context.pool->for_each(x.shape[0], row_grain(dim), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) {
        const T* a = row_of<T>(x, row);
        const T* b = row_of<T>(y, row);
        T* c = row_of<T>(z, row);
        for_stretches(dim, [&](int64_t i, int n) {
          store_stretch(c + i, f(load_stretch(a + i, n), load_stretch(b + i, n)), n);
        });
      }
    });
    return Status();
  });
}

}  // namespace ISA_NS
}  // namespace trtllm

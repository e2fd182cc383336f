#pragma once
#include <type_traits>

#include "../../core/kernel.h"
#include "../../core/thread-pool.h"
#include "by-dtype.h"
#include "rms.h"

// sum = x + y, rounded; normed = rms norm of that rounded sum * weight: fused and unfused plans give the same bits.
namespace trtllm {
namespace ISA_NS {

static Status add_rms_norm_rows(const char* op, const TensorRef& x, const TensorRef& y, const TensorRef& weight, const TensorRef& sum,
                                const TensorRef& normed, float eps, LaunchContext& context) {
  return by_float(op, x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const int64_t dim = x.shape[1];
    context.pool->for_each(x.shape[0], row_grain(dim), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) {
        const T* a = row_of<T>(x, row);
        const T* b = row_of<T>(y, row);
        T* total = row_of<T>(sum, row);
        for_stretches(dim, [&](int64_t i, int n) {
          store_stretch(total + i, add(load_stretch(a + i, n), load_stretch(b + i, n)), n);
        });
        rms_norm_row(static_cast<const T*>(total), weight.as<float>(), row_of<T>(normed, row), dim, eps);
      }
    });
    return Status();
  });
}

}  // namespace ISA_NS
}  // namespace trtllm

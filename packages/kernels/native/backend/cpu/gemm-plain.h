#pragma once
#include "../../core/kernel.h"
#include "../../core/thread-pool.h"
#include "panel.h"
#include "vec.h"

// The two simple forms of y = x * weight^T + bias: the reference (any layout, sums in f64, used by the scalar ISA), and
// dot products over row-major weights for matrices that are not packed. Both: one order of additions per element.
namespace trtllm {
namespace ISA_NS {

struct PlainShape {
  int64_t rows, in, out;
};

template <class X, class Y>
struct PlainOperands {
  const X* x;
  int64_t x_stride;
  const void* bias;  // of the type of x, or null
  Y* y;
  int64_t y_stride;
};

template <class X, class W, class Y>
static void linear_reference(const PlainOperands<X, Y>& o, const PlainShape& shape, const TensorRef& weight,
                             LaunchContext& context) {
  constexpr int64_t kStretch = 512;
  const bool packed = weight.layout == Layout::panel;
  const W* w = weight.as<W>();
  context.pool->for_each(shape.out, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; n++) {
      for (int64_t row = 0; row < shape.rows; row++) {
        double total = 0;
        for (int64_t from = 0; from < shape.in; from += kStretch) {
          const int64_t to = from + kStretch < shape.in ? from + kStretch : shape.in;
          for (int64_t k = from; k < to; k++) {
            const W value = packed ? w[panel_index(weight.dtype, shape.in, n, k)] : w[n * weight.stride[0] + k];
            total += static_cast<double>(to_f32(o.x[row * o.x_stride + k])) * to_f32(value);
          }
        }
        if (o.bias != nullptr) total += to_f32(static_cast<const X*>(o.bias)[n]);
        put_f32(o.y + row * o.y_stride + n, static_cast<float>(total));
      }
    }
  });
}

// Stretch i of sixteen columns goes to chain i % 4, the chains are joined at the end.
template <class X, class W>
TRTLLM_INLINE float dot(const X* x, const W* w, int64_t count) {
  Vec chains[4] = {zero(), zero(), zero(), zero()};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++) chains[c] = fma(load(x + i + c * kLanes), load(w + i + c * kLanes), chains[c]);
  }
  for (int c = 0; i < count; i += kLanes, c++) {
    const int n = count - i < kLanes ? static_cast<int>(count - i) : kLanes;
    chains[c] = fma(load_n(x + i, n), load_n(w + i, n), chains[c]);
  }
  return sum(add(add(chains[0], chains[1]), add(chains[2], chains[3])));
}

template <class X, class W, class Y>
static void linear_by_dots(const PlainOperands<X, Y>& o, const PlainShape& shape, const TensorRef& weight,
                           LaunchContext& context) {
  const int64_t grain = 1 + 16384 / (shape.in * shape.rows + 1);
  context.pool->for_each(shape.out, grain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; n++) {
      const W* w = weight.as<W>() + n * weight.stride[0];
      const float bias = o.bias != nullptr ? to_f32(static_cast<const X*>(o.bias)[n]) : 0.0f;
      for (int64_t row = 0; row < shape.rows; row++) {
        put_f32(o.y + row * o.y_stride + n, dot(o.x + row * o.x_stride, w, shape.in) + bias);
      }
    }
  });
}

}  // namespace ISA_NS
}  // namespace trtllm

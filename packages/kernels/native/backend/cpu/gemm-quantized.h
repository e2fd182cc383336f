#pragma once
#include <type_traits>

#include "../../core/kernel.h"
#include "../../core/scale-blocks.h"
#include "../../core/thread-pool.h"
#include "by-dtype.h"
#include "panel.h"
#include "vec.h"

// y = x * (weight * scale)^T + bias for 8-bit weights in panels, one scale an output or, `blocks`, one for each 128 outputs x 128
// columns, which the weight is multiplied by as it is unpacked. A thread owns panels of sixteen
// outputs; a stretch of a panel is unpacked to f32 on the stack and serves up to eight rows. An element's sum runs over
// the columns in order, whatever the rows and threads: its bits depend on its row and its weights alone.
namespace trtllm {
namespace ISA_NS {

constexpr int64_t kUnpackedColumns = 256;
constexpr int64_t kUnpackedRows = 8;

// Column `column` of a group of four, sixteen rows.
TRTLLM_INLINE void unpack_column(const uint32_t* words, int column, F8, float* to) {
  for (int i = 0; i < kLanes; i++) {
    const uint32_t bits = words[i] >> (8 * column) & 0xffu;
    // The same fields in f32 are 2^120 times too small; that holds for subnormal numbers too.
    const float value = float_of((bits & 0x80u) << 24 | (bits & 0x7fu) << 20) * 0x1p120f;
    to[i] = (bits & 0x7fu) == 0x7fu ? __builtin_nanf("") : value;
  }
}

TRTLLM_INLINE void unpack_column(const uint32_t* words, int column, I8, float* to) {
  for (int i = 0; i < kLanes; i++) {
    to[i] = static_cast<float>(static_cast<int32_t>(words[i] << (24 - 8 * column)) >> 24);
  }
}

template <class X, class Y>
struct QuantizedOperands {
  const X* x;
  int64_t x_stride;
  const void* weight;  // panels
  DType weight_type;
  const float* scale;
  int64_t scale_stride;  // blocks: scales from one row of them to the next; 0: a scale an output
  const X* bias;  // or null
  Y* y;
  int64_t y_stride;
  int64_t rows, in, out;
};

template <class W, class X, class Y>
static void quantized_panel(const QuantizedOperands<X, Y>& o, int64_t panel) {
  const int64_t first = panel * kPanelRows;
  const int lanes = o.out - first < kPanelRows ? static_cast<int>(o.out - first) : static_cast<int>(kPanelRows);
  const uint32_t* words =
      reinterpret_cast<const uint32_t*>(static_cast<const char*>(o.weight) + panel * panel_stride(o.weight_type, o.in));
  alignas(64) float unpacked[kUnpackedColumns * kPanelRows];
  const bool blocks = o.scale_stride != 0;
  const Vec scale = blocks ? set(1.0f) : load_n(o.scale + first, lanes);
  const float* block_scale = o.scale + first / kScaleBlockSize * o.scale_stride;
  const Vec bias = o.bias != nullptr ? load_n(o.bias + first, lanes) : zero();
  for (int64_t row = 0; row < o.rows; row += kUnpackedRows) {
    const int64_t group = o.rows - row < kUnpackedRows ? o.rows - row : kUnpackedRows;
    Vec sums[kUnpackedRows];
    for (Vec& sum : sums) sum = zero();
    for (int64_t from = 0; from < o.in; from += kUnpackedColumns) {
      const int64_t columns = o.in - from < kUnpackedColumns ? o.in - from : kUnpackedColumns;
      for (int64_t k = 0; k < columns; k += 4) {
        for (int j = 0; j < 4; j++) {
          float* column = unpacked + (k + j) * kPanelRows;
          unpack_column(words + (from + k) / 4 * kPanelRows, j, W(), column);
          if (blocks) store(column, mul(load(column), set(block_scale[(from + k) / kScaleBlockSize])));
        }
      }
      for (int64_t r = 0; r < group; r++) {
        const X* x = o.x + (row + r) * o.x_stride + from;
        Vec sum = sums[r];
        for (int64_t k = 0; k < columns; k++) sum = fma(set(to_f32(x[k])), load(unpacked + k * kPanelRows), sum);
        sums[r] = sum;
      }
    }
    for (int64_t r = 0; r < group; r++) {
      store_stretch(o.y + (row + r) * o.y_stride + first, fma(sums[r], scale, bias), lanes);
    }
  }
}

template <class W, class X, class Y>
static void linear_quantized(const QuantizedOperands<X, Y>& o, ThreadPool& pool) {
  pool.for_each(panel_count(o.out), 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; panel++) quantized_panel<W>(o, panel);
  });
}

// Operands {x, weight, weight_scale, bias} -> y: their types.
template <class Args>
static Status check_quantized(const char* op, DType weight_type, const Args& o) {
  if (o.weight.dtype == weight_type && (o.y.dtype == o.x.dtype || o.y.dtype == DType::f32)) return Status();
  return Status::error(Code::unsupported, "%s: x is %s, weight %s, y %s; the weight must be %s and y like x or f32", op,
                       dtype_name(o.x.dtype), dtype_name(o.weight.dtype), dtype_name(o.y.dtype), dtype_name(weight_type));
}

// The launch of an op with these operands.
template <class W, class Args>
static Status launch_quantized(const char* op, DType weight_type, const Args& o, LaunchContext& context) {
  TRTLLM_TRY(check_quantized(op, weight_type, o));
  return by_float(op, o.x.dtype, [&](auto* type) {
    using X = std::remove_pointer_t<decltype(type)>;
    const auto run = [&](auto* y) {
      using Y = std::remove_pointer_t<decltype(y)>;
      const QuantizedOperands<X, Y> operands{o.x.template as<X>(),
                                             o.x.stride[0],
                                             o.weight.data,
                                             weight_type,
                                             o.weight_scale.template as<float>(),
                                             o.weight_scale.rank == 2 ? o.weight_scale.stride[0] : 0,
                                             o.bias.present() ? o.bias.template as<X>() : nullptr,
                                             o.y.template as<Y>(),
                                             o.y.stride[0],
                                             o.x.shape[0],
                                             o.x.shape[1],
                                             o.y.shape[1]};
      linear_quantized<W>(operands, *context.pool);
      return Status();
    };
    return o.y.dtype == DType::f32 ? run(static_cast<float*>(nullptr)) : run(static_cast<X*>(nullptr));
  });
}

}  // namespace ISA_NS
}  // namespace trtllm

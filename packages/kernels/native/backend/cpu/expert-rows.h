#pragma once
#include "../../core/kernel.h"
#include "by-dtype.h"
#include "vec.h"

// What linears of experts share, whatever their weights are kept in: whose row is whose, and what becomes of a row's sums.
// `Args` are those of an op with the operands and attributes of `expert-linear`.
namespace trtllm {
namespace ISA_NS {

// Gates, by the number that the attribute `gate` has.
enum class Gate : int { none = 0, silu = 1, gelu_tanh = 2, clamped = 3 };

TRTLLM_INLINE Vec gated(Gate gate, Vec g, Vec u, float limit, float alpha) {
  switch (gate) {
    case Gate::silu: return mul(silu(g), u);
    case Gate::gelu_tanh: return mul(gelu_tanh(g), u);
    default: return clamped_silu_mul(g, u, limit, alpha);
  }
}

// Rows of x and y by place.
template <class T, class Args>
struct ExpertRows {
  const Args& o;

  const T* x(int64_t place) const {
    return row_of<T>(o.x, o.fan_out > 0 ? o.order.template as<int32_t>()[place] / o.fan_out : place);
  }

  bool is_gated() const { return o.gate != 0; }

  // to[0..columns) = scale * sums + bias for outputs [column, column + columns) of a row.
  template <class Y>
  void finish(int64_t expert, int64_t place, int64_t column, int64_t columns, const float* sums, Y* to) const {
    const T* bias = o.bias.present() ? row_of<T>(o.bias, expert) + column : nullptr;
    float scale = 1.0f;
    if (o.scale.present()) {
      const int32_t pair = o.order.template as<int32_t>()[place];
      scale = row_of<float>(o.scale, pair / o.scale.shape[1])[pair % o.scale.shape[1]];
    }
    for_stretches(columns, [&](int64_t at, int n) {
      Vec v = mul(load_n(sums + at, n), set(scale));
      if (bias != nullptr) v = add(v, load_stretch(bias + at, n));
      store_stretch(to + at, v, n);
    });
  }

  // Row `place` of y from all its finished outputs.
  void gate(int64_t place, const float* z) const {
    const int64_t width = o.y.shape[1];
    T* y = row_of<T>(o.y, place);
    for_stretches(width, [&](int64_t at, int n) {
      const Vec g = load_stretch(z + at, n), u = load_stretch(z + width + at, n);
      store_stretch(y + at, gated(static_cast<Gate>(o.gate), g, u, o.limit, o.alpha), n);
    });
  }
};

// Refuses places that are not a permutation's, so that nothing is read or written outside its operand.
template <class Args>
static Status check_expert_rows(const char* op, const Args& o) {
  const int64_t pairs = o.order.shape[0], experts = o.weight.shape[0], out = o.weight.shape[1];
  const int32_t* order = o.order.template as<int32_t>();
  const int32_t* offsets = o.offsets.template as<int32_t>();
  const int64_t width = o.gate != 0 ? out / 2 : out;
  const int64_t rows = o.fan_out > 0 ? o.x.shape[0] * o.fan_out : o.x.shape[0];
  if (o.y.shape[1] != width || (o.gate != 0 && out % 2 != 0) || o.gate < 0 || o.gate > 3 || rows != pairs ||
      (o.scale.present() && o.scale.shape[0] * o.scale.shape[1] != pairs)) {
    return Status::error(Code::invalid, "%s: %lld rows x %d for %lld pairs, %lld outputs (gate %d) as width %lld", op,
                         static_cast<long long>(o.x.shape[0]), o.fan_out, static_cast<long long>(pairs),
                         static_cast<long long>(out), o.gate, static_cast<long long>(o.y.shape[1]));
  }
  bool good = offsets[0] == 0 && offsets[experts] == pairs;
  for (int64_t e = 0; e < experts; e++) good = good && offsets[e] <= offsets[e + 1];
  for (int64_t p = 0; p < pairs; p++) good = good && order[p] >= 0 && order[p] < pairs;
  if (good) return Status();
  return Status::error(Code::invalid, "%s: order or offsets are not those of %lld pairs of %lld experts", op,
                       static_cast<long long>(pairs), static_cast<long long>(experts));
}

}  // namespace ISA_NS
}  // namespace trtllm

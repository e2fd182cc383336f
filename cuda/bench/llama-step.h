#pragma once
// A decode step of one row of Llama's shapes as the nodes a plan would have, on memory of the caller's: chain-bench.cu runs it,
// packages/kernels/test/chain-plan.cc plans it without a GPU.
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/step-nodes.h"

namespace trtllm {

struct LlamaShape {
  const char* name;
  int64_t layers, hidden, heads, kv, dim, ffn, vocab;
  bool f8 = false;     // weights, but for the head's
  bool fused = false;  // norms and gates are of the nodes of the linears behind them
  DType cache = DType::bf16;
};

// Where the operands of a step lie.
class StepMemory {
 public:
  virtual ~StepMemory() = default;
  virtual char* allocate(int64_t bytes) = 0;
  // Random elements, or those given.
  virtual TensorRef filled(DType dtype, const std::vector<int64_t>& shape, float deviation, float mean) = 0;
  virtual TensorRef integers(const std::vector<int32_t>& values, const std::vector<int64_t>& shape) = 0;
  virtual TensorRef floats(const std::vector<float>& values, const std::vector<int64_t>& shape) = 0;
};

inline TensorRef shaped(DType dtype, const std::vector<int64_t>& shape, void* data) {
  TensorRef t;
  t.dtype = dtype, t.rank = static_cast<int8_t>(shape.size()), t.data = data;
  int64_t stride = 1;
  for (int i = t.rank - 1; i >= 0; i--) t.shape[i] = shape[static_cast<size_t>(i)], t.stride[i] = stride, stride *= t.shape[i];
  return t;
}

// Nodes, in order, with their operands.
class StepBuilder {
 public:
  static constexpr int64_t kPlaceBytes = 1 << 20, kPlaces = 8;

  explicit StepBuilder(StepMemory& memory) : memory_(memory), arena_(memory.allocate(kPlaces * kPlaceBytes)) {}

  // Values take turns in a few places, as an arena lays them out: a place is a value's until it was read for the last time.
  TensorRef value(int place, const std::vector<int64_t>& shape) const { return shaped(DType::bf16, shape, arena_ + place * kPlaceBytes); }
  static TensorRef section(const TensorRef& t, int64_t from, const std::vector<int64_t>& shape) {
    return shaped(t.dtype, shape, t.as<char>() + from * 2);
  }
  TensorRef norm(int64_t width) { return memory_.filled(DType::f32, {width}, 0.1f, 1); }
  void node(const char* op, std::vector<TensorRef> operands, int num_inputs, std::vector<double> attributes = {}) {
    calls_.push_back({op, std::move(operands), std::move(attributes), num_inputs});
  }
  // y = what the node makes of `before` * weight^T; `name` says what that is, for weights in f8.
  void linear(const char* name, std::vector<TensorRef> before, int64_t in, int64_t out, std::vector<TensorRef> results, bool in_f8,
              std::vector<double> attributes = {}) {
    weight_bytes += static_cast<double>(in * out) * (in_f8 ? 1 : 2);
    const float deviation = 1.0f / std::sqrt(static_cast<float>(in));
    if (in_f8) {
      before.push_back(memory_.filled(DType::f8, {out, in}, 60, 0));
      before.push_back(memory_.filled(DType::f32, {out}, 0.0005f * deviation, deviation / 60));
    } else {
      before.push_back(memory_.filled(DType::bf16, {out, in}, deviation, 0));
    }
    before.push_back(TensorRef{});  // no bias
    const int num_inputs = static_cast<int>(before.size());
    for (const TensorRef& result : results) before.push_back(result);
    node(name, std::move(before), num_inputs, std::move(attributes));
  }
  StepNodes nodes() {
    nodes_.clear();
    for (const Call& c : calls_) {
      nodes_.push_back({c.op, OpCall{c.operands.data(), static_cast<int>(c.operands.size()), c.attributes.data()}, c.num_inputs});
    }
    return StepNodes{nodes_.data(), static_cast<int>(nodes_.size()), arena_, kPlaces * kPlaceBytes};
  }

  double weight_bytes = 0;

 protected:
  StepMemory& memory_;

 private:
  struct Call {
    const char* op;
    std::vector<TensorRef> operands;
    std::vector<double> attributes;
    int num_inputs;
  };

  char* arena_;
  std::vector<Call> calls_;
  std::vector<StepNode> nodes_;
};

class LlamaStep : public StepBuilder {
 public:
  LlamaStep(StepMemory& memory, const LlamaShape& shape, int32_t position) : StepBuilder(memory), shape_(shape) {
    const auto& c = shape_;
    const int64_t columns = 32, pages = columns + 3;
    std::vector<int32_t> pages_of(static_cast<size_t>(2 * columns));
    // 11 and 35: no page twice in a row of the table.
    for (size_t i = 0; i < pages_of.size(); i++) pages_of[i] = static_cast<int32_t>((i * 11) % static_cast<size_t>(pages));
    table_ = memory.integers(pages_of, {2, columns}), slot_ = memory.integers({1}, {1}), start_ = memory.integers({0, 1}, {2});
    positions_ = memory.integers({position}, {1}), context_ = memory.integers({position + 1}, {1});
    std::vector<float> inverse(static_cast<size_t>(c.dim / 2));
    for (int64_t i = 0; i < c.dim / 2; i++) {
      inverse[static_cast<size_t>(i)] = std::pow(500000.0f, -2.0f * static_cast<float>(i) / static_cast<float>(c.dim));
    }
    frequencies_ = memory.floats(inverse, {1, c.dim / 2});
    TensorRef x = memory.filled(DType::bf16, {1, c.hidden}, 1, 0), added;
    for (int64_t i = 0; i < c.layers; i++) {
      const TensorRef sum = value(i % 2, {1, c.hidden}), down = value(3, {1, c.hidden});
      const TensorRef o = attention(normed_linear(x, added, value(6, {1, c.hidden}), (c.heads + 2 * c.kv) * c.dim), pages);
      const TensorRef residual = added.present() ? value(6, {1, c.hidden}) : x;
      const TensorRef gate_up = normed_linear(residual, o, sum, 2 * c.ffn);
      const TensorRef gate = section(gate_up, 0, {1, c.ffn}), up = section(gate_up, c.ffn, {1, c.ffn});
      if (c.fused) {
        linear("silu-mul-linear-f8", {gate, up}, c.ffn, c.hidden, {down}, true);
      } else {
        const TensorRef gated = value(2, {1, c.ffn});
        node("silu-mul", {gate, up, gated}, 2);
        linear(c.f8 ? "linear-f8" : "linear", {gated}, c.ffn, c.hidden, {down}, c.f8);
      }
      x = sum, added = down;
    }
    last_sum = value(6, {1, c.hidden});
    node("add", {x, added, last_sum}, 2);
    const TensorRef gathered = value(0, {1, c.hidden});
    last_normed = value(2, {1, c.hidden});
    node("gather-rows", {last_sum, memory.integers({0}, {1}), gathered}, 2);
    node("rms-norm", {gathered, norm(c.hidden), last_normed}, 2, {1e-5});
    logits = shaped(DType::f32, {1, c.vocab}, memory.allocate(c.vocab * 4));
    linear("linear", {last_normed}, c.hidden, c.vocab, {logits}, false);
  }

  std::vector<TensorRef> caches;
  TensorRef logits, last_sum, last_normed;

 private:
  // norm(x + added) * weight^T; the sum goes to `sum`. With nothing added, norm(x) * weight^T. What one node reads and what it
  // makes lie apart.
  TensorRef normed_linear(const TensorRef& x, const TensorRef& added, const TensorRef& sum, int64_t out) {
    const auto& c = shape_;
    const TensorRef normed = value(2, {1, c.hidden}), y = value(c.fused && added.present() ? 5 : 3, {1, out});
    if (!added.present()) {
      node("rms-norm", {x, norm(c.hidden), normed}, 2, {1e-5});
    } else if (c.fused) {
      linear("add-rms-norm-linear-f8", {x, added, norm(c.hidden)}, c.hidden, out, {sum, y}, true, {1e-5});
      return y;
    } else {
      node("add-rms-norm", {x, added, norm(c.hidden), sum, normed}, 3, {1e-5});
    }
    linear(c.f8 ? "linear-f8" : "linear", {normed}, c.hidden, out, {y}, c.f8);
    return y;
  }

  TensorRef attention(const TensorRef& qkv, int64_t pages) {
    const auto& c = shape_;
    const int64_t q_dim = c.heads * c.dim, kv_dim = c.kv * c.dim;
    const TensorRef q = value(4, {1, c.heads, c.dim}), y = value(2, {1, c.heads, c.dim}), o = value(3, {1, c.hidden});
    const TensorRef cache = memory_.filled(c.cache, {pages, 2, c.kv, 32, c.dim}, 1, 0);
    caches.push_back(cache);
    node("rope-kv-write",
         {section(qkv, 0, {1, c.heads, c.dim}), section(qkv, q_dim, {1, c.kv, c.dim}), section(qkv, q_dim + kv_dim, {1, c.kv, c.dim}), positions_,
          frequencies_, TensorRef{}, slot_, table_, cache, q},
         9, {static_cast<double>(c.dim), 0, 1, 0, 0, 500000, 1, 1});
    node("paged-attention", {q, slot_, start_, context_, table_, cache, TensorRef{}, y}, 7,
         {1 / std::sqrt(static_cast<double>(c.dim)), 0, 0, 1, 1});
    linear(c.f8 ? "linear-f8" : "linear", {shaped(DType::bf16, {1, q_dim}, y.data)}, q_dim, c.hidden, {o}, c.f8);
    return o;
  }

  LlamaShape shape_;
  TensorRef table_, slot_, start_, positions_, context_, frequencies_;
};

}  // namespace trtllm

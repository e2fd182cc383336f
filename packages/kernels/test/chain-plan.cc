// For src/chain-plan.cpu.test.ts: prints the chains that are planned for a step of one row, a line for each link. Nothing reads the
// step's memory, which has no more than addresses.
#include <cstdio>
#include <cstring>

#include "../../../cuda/bench/llama-step.h"
#include "../native/backend/cuda/chain-plan.h"

using namespace trtllm;
using namespace trtllm::cuda;

namespace {

class Addresses final : public StepMemory {
 public:
  char* allocate(int64_t bytes) override {
    char* at = reinterpret_cast<char*>(next_);
    next_ += static_cast<uintptr_t>((bytes + 255) / 256 * 256);
    return at;
  }
  TensorRef filled(DType dtype, const std::vector<int64_t>& shape, float, float) override { return placed(dtype, shape); }
  TensorRef integers(const std::vector<int32_t>&, const std::vector<int64_t>& shape) override { return placed(DType::i32, shape); }
  TensorRef floats(const std::vector<float>&, const std::vector<int64_t>& shape) override { return placed(DType::f32, shape); }

 private:
  TensorRef placed(DType dtype, const std::vector<int64_t>& shape) {
    int64_t count = 1;
    for (const int64_t n : shape) count *= n;
    return shaped(dtype, shape, allocate(count * dtype_bytes(dtype)));
  }

  uintptr_t next_ = uintptr_t{1} << 40;
};

void print(const LinearLink& l) {
  const char* const weights[] = {"floats", "f8", "i8"};
  const char* const gates[] = {"", ", silu(first half) * second", ", gelu(first half) * second"};
  const LinkInput& in = l.input;
  printf("  linear %d -> %d of %s%s: x ", l.in, l.out, weights[static_cast<int>(l.weight_kind)], gates[static_cast<int>(l.gate)]);
  if (in.same) {
    printf("the same");
  } else {
    if (in.residual == LinkResidual::kept) printf("kept + ");
    if (in.residual == LinkResidual::memory) printf("memory + ");
    printf("%s%s%s%s", in.x.at != 0 ? "handed" : in.memory != nullptr ? "memory" : "nothing", in.norm != nullptr ? ", normed" : "",
           in.keep ? ", kept" : "", in.sum != nullptr ? ", stored" : "");
  }
  printf("; y%s%s\n", l.y.at != 0 ? " handed" : "", l.result != nullptr ? " stored" : "");
}

void print(const AttentionLink& l) {
  printf("  attention of %d over %d: y%s%s\n", l.heads, l.kv_heads, l.y.at != 0 ? " handed" : "", l.result != nullptr ? " stored" : "");
}

void print_chains(const StepNodes& step) {
  constexpr int kBlocks = 4;
  for (int node = 0; node < step.count;) {
    const ChainPlan plan = plan_chain(step, node, kBlocks);
    if (plan.num_nodes == 0) {
      printf("node %s\n", step.nodes[node++].op);
      continue;
    }
    printf("chain of %d nodes\n", plan.num_nodes);
    for (const Link& link : plan.links) link.kind == LinkKind::linear ? print(link.linear) : print(link.attention);
    node += plan.num_nodes;
  }
}

constexpr LlamaShape kSmall{"small", 1, 128, 4, 2, 64, 256, 512};

LlamaShape small(bool f8, bool fused) {
  LlamaShape shape = kSmall;
  shape.layers = 2, shape.f8 = f8, shape.fused = fused;
  return shape;
}

// Steps of rows of 128 elements, in places of the arena.
class Rows : public StepBuilder {
 public:
  explicit Rows(StepMemory& memory) : StepBuilder(memory), x(memory.filled(DType::bf16, {1, 128}, 1, 0)) {}

  TensorRef at(int place, int64_t width = 128) const { return value(place, {1, width}); }
  void norm_of(const TensorRef& from, const TensorRef& to) { node("rms-norm", {from, norm(128), to}, 2, {1e-5}); }
  void product(const TensorRef& from, const TensorRef& to) { linear("linear", {from}, from.shape[1], to.shape[1], {to}, false); }

  const TensorRef x;
};

// A result takes the place of a sum that blocks keep, and is added to something.
void sum_is_gone(Rows& step) {
  step.norm_of(step.x, step.at(2));
  step.product(step.at(2), step.at(3));
  step.node("add-rms-norm", {step.x, step.at(3), step.norm(128), step.at(0), step.at(2)}, 3, {1e-5});
  step.product(step.at(2), step.at(0));
  step.node("add", {step.at(0), step.at(0), step.at(1)}, 2);
  step.norm_of(step.at(1), step.at(2));
  step.product(step.at(2), step.at(3));
}

// The last result goes where blocks that are late may still read what the first link multiplies.
void read_is_late(Rows& step) {
  step.product(step.at(1), step.at(2, 32));
  step.linear("linear", {step.at(2, 32)}, 32, 128, {step.at(1)}, false);
  step.node("silu", {step.at(1), step.at(3)}, 1);
}

// What is gated is the first half of the product, and its gate the second.
void halves_are_swapped(Rows& step) {
  const TensorRef both = step.at(3, 256);
  step.linear("linear-f8", {step.x}, 128, 128, {step.at(2)}, true);
  step.linear("linear-f8", {step.at(2)}, 128, 256, {both}, true);
  step.linear("silu-mul-linear-f8", {Rows::section(both, 128, {1, 128}), Rows::section(both, 0, {1, 128})}, 128, 128, {step.at(4)}, true);
}

}  // namespace

int main(int argc, char** argv) {
  const auto is = [&](const char* name) { return argc > 1 && strcmp(argv[1], name) == 0; };
  Addresses memory;
  const std::pair<const char*, void (*)(Rows&)> rows[] = {
      {"sum-is-gone", sum_is_gone}, {"read-is-late", read_is_late}, {"halves-are-swapped", halves_are_swapped}};
  for (const auto& [name, build] : rows) {
    if (!is(name)) continue;
    Rows step(memory);
    build(step);
    print_chains(step.nodes());
    return 0;
  }
  LlamaShape shape = small(is("f8") || is("fused") || is("cut-node"), is("fused") || is("cut-node"));
  if (is("f8-cache")) shape.cache = DType::f8;
  if (is("cut-node")) shape.ffn = 48;  // rows of 48 bytes are not what a ring streams
  LlamaStep step(memory, shape, 40);
  const TensorRef y = step.value(7, {1, shape.hidden});
  if (is("sum-read-later")) step.node("silu", {step.last_sum, y}, 1);
  if (is("norm-read-later")) step.node("silu", {step.last_normed, y}, 1);
  print_chains(step.nodes());
  return 0;
}

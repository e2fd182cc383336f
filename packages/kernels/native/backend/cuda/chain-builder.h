#pragma once
#include <optional>

#include "chain-plan.h"

namespace trtllm::cuda {

// Walks over nodes and makes links of them. Values are known by their addresses: vectors that links hand over, the sum that
// every block keeps (the residual), and norms and sums that the next linear makes for itself.
class ChainBuilder {
 public:
  ChainBuilder(const StepNodes& step, int first, int blocks) : step_(step), first_(first), blocks_(blocks), next_(first) {}

  ChainPlan build();

 private:
  enum class Kind { handed, sum, stored, nowhere };
  // A result of a node taken, in order. Link `link` makes it and, where nodes behind the chain read it, stores it in its place.
  struct Made {
    Kind kind;
    Bytes bytes;
    HandedOver handed;
    int link;
  };
  // What the next linear makes for itself; `at` is the address that stands for it.
  struct Prepared {
    const void* at;
    LinkInput input;
    int users = 0, last_user = -1;  // links
  };
  struct Read {  // of memory as it was before the chain
    Bytes bytes;
    int link;
  };
  struct End {  // the chain may end behind these
    int node;
    size_t links, made;
  };

  bool take_node();
  bool take_norm(const TensorRef& x, const TensorRef& weight, const TensorRef& y, float eps);
  bool take_sum(const TensorRef& x, const TensorRef& y, const TensorRef* y_norm, float y_eps, const TensorRef& sum);
  void norm_sum(const TensorRef& weight, const TensorRef& normed, float eps);
  void prepare_norm(const TensorRef& weight, const TensorRef& normed, float eps);
  bool take_row(const TensorRef& x, const TensorRef& index, const TensorRef& y);
  bool take_linear(const TensorRef& x, const TensorRef& weight, const TensorRef* scale, const TensorRef& bias, const TensorRef& y);
  template <class Write>
  bool take_attention(const Write& write, const TensorRef& q, const TensorRef& q_out, AttentionLink link);

  bool input_of(const TensorRef& x, bool as_f16, LinkInput* input);
  bool source_of(const TensorRef& x, LinkInput* input);
  bool is_waiting() const { return prepared_ && prepared_->users == 0; }
  LinkGate gate_behind(const TensorRef& y, TensorRef* gated, bool* is_half_node) const;
  int rotary_table(const RotaryStep& step);
  HandedOver hand_over(int64_t bytes);
  std::optional<HandedOver> handed(const TensorRef& t) const;
  bool is_memory(const TensorRef& t) const;
  bool is_vector(const TensorRef& t);
  void make(Kind kind, const TensorRef& t, HandedOver handed = {});
  void add_end();

  bool is_live(const End& end, size_t made) const;
  bool is_ordered(int read, int store) const;
  bool is_possible(const End& end) const;
  void finish(const End& end);

  const StepNodes& step_;
  const int first_, blocks_;
  int next_;
  ChainPlan plan_;
  bool has_dtype_ = false;
  std::vector<Made> made_;
  std::vector<Read> reads_;
  std::vector<End> ends_;
  std::optional<Prepared> prepared_;
  const void* residual_ = nullptr;  // the address of the sum that blocks keep
  const void* row_at_ = nullptr;    // that of the row gathered from it
  const int32_t* row_ = nullptr;
  int gated_for_ = -1;              // the node that begins with a product which the last link makes
  int64_t tiles_ = 0;
};

}  // namespace trtllm::cuda

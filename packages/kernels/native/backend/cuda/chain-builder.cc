#include "chain-builder.h"

#include <string_view>

#include "../../generated/op-args.h"
#include "chain-attention.h"

namespace trtllm::cuda {

// Where a value that no node makes would be: none of the device's places.
static void* nameless() {
  alignas(16) static char place[16];
  return place;
}

ChainPlan ChainBuilder::build() {
  plan_.handed_bytes = 256;  // place 0 means none
  while (next_ < step_.count && take_node()) {
  }
  for (size_t i = ends_.size(); i > 0; i--) {
    if (!is_possible(ends_[i - 1])) continue;
    finish(ends_[i - 1]);
    return std::move(plan_);
  }
  return ChainPlan();
}

bool ChainBuilder::take_node() {
  const StepNode& node = step_.nodes[next_];
  const std::string_view op = node.op;
  if (op == "rms-norm") {
    const auto o = RmsNormArgs::from(node.call);
    return take_norm(o.x, o.weight, o.y, o.eps);
  }
  if (op == "add") {
    const auto o = AddArgs::from(node.call);
    return take_sum(o.x, o.y, nullptr, 0, o.z);
  }
  if (op == "add-rms-norm") {
    const auto o = AddRmsNormArgs::from(node.call);
    if (!take_sum(o.x, o.y, nullptr, 0, o.sum)) return false;
    norm_sum(o.weight, o.normed, o.eps);
    return true;
  }
  if (op == "rms-norm-add") {
    const auto o = RmsNormAddArgs::from(node.call);
    return take_sum(o.x, o.y, &o.weight, o.eps, o.sum);
  }
  if (op == "rms-norm-add-rms-norm") {
    const auto o = RmsNormAddRmsNormArgs::from(node.call);
    if (!take_sum(o.x, o.y, &o.weight, o.eps, o.sum)) return false;
    norm_sum(o.next_weight, o.normed, o.next_eps);
    return true;
  }
  if (op == "gather-rows") {
    const auto o = GatherRowsArgs::from(node.call);
    return take_row(o.x, o.index, o.y);
  }
  if (op == "linear") {
    const auto o = LinearArgs::from(node.call);
    return take_linear(o.x, o.weight, nullptr, o.bias, o.y);
  }
  if (op == "linear-f8") {
    const auto o = LinearF8Args::from(node.call);
    return take_linear(o.x, o.weight, &o.weight_scale, o.bias, o.y);
  }
  if (op == "add-rms-norm-linear-f8") {
    const auto o = AddRmsNormLinearF8Args::from(node.call);
    if (!take_sum(o.x, o.added, nullptr, 0, o.sum)) return false;
    next_--;  // the linear is of the same node
    TensorRef normed = o.sum;
    normed.data = nameless();
    prepare_norm(o.norm_weight, normed, o.eps);
    return take_linear(normed, o.weight, &o.weight_scale, o.bias, o.y);
  }
  if (op == "silu-mul-linear-f8") {
    const auto o = SiluMulLinearF8Args::from(node.call);
    return gated_for_ == next_ && take_linear(o.gate, o.weight, &o.weight_scale, o.bias, o.y);
  }
  if (op == "linear-i8") {
    const auto o = LinearI8Args::from(node.call);
    return take_linear(o.x, o.weight, &o.weight_scale, o.bias, o.y);
  }
  if (op == "rope-kv-write") {
    const auto o = RopeKvWriteArgs::from(node.call);
    RotaryStep step;
    AttentionLink link{};
    if (!rotary_step("rope-kv-write", o, o.q.shape[2], &step).ok()) return false;
    link.rotary = rotary_table(step);
    return link.rotary >= 0 && take_attention(o, o.q, o.q_out, link);
  }
  if (op == "norm-rope-kv-write") {
    const auto o = NormRopeKvWriteArgs::from(node.call);
    RotaryStep step;
    AttentionLink link{};
    if (!rotary_step("norm-rope-kv-write", o, o.q.shape[2], &step).ok()) return false;
    link.rotary = rotary_table(step), link.q_norm = o.q_weight.as<float>(), link.k_norm = o.k_weight.as<float>(), link.norm_eps = o.eps;
    return link.rotary >= 0 && take_attention(o, o.q, o.q_out, link);
  }
  if (op == "kv-write" && next_ + 1 < step_.count && std::string_view(step_.nodes[next_ + 1].op) == "paged-attention") {
    const auto o = KvWriteArgs::from(node.call);
    const auto attention = PagedAttentionArgs::from(step_.nodes[next_ + 1].call);
    AttentionLink link{};
    link.rotary = -1;
    return take_attention(o, attention.q, attention.q, link);
  }
  return false;
}

bool ChainBuilder::take_norm(const TensorRef& x, const TensorRef& weight, const TensorRef& y, float eps) {
  if (!is_vector(x) || !is_vector(y)) return false;
  const bool is_row = row_at_ != nullptr && x.data == row_at_, is_residual = is_row || (residual_ != nullptr && x.data == residual_);
  if (is_waiting()) {
    if (!is_residual || prepared_->input.norm != nullptr) return false;
  } else {
    LinkInput input{};
    if (is_residual) {
      input.residual = LinkResidual::kept;
    } else {
      if (!source_of(x, &input)) return false;
      input.keep = residual_ == nullptr;
      if (input.keep) residual_ = x.data;
    }
    prepared_ = Prepared{x.data, input};
  }
  if (is_row) prepared_->input.row = row_;
  norm_sum(weight, y, eps);
  next_++;
  return true;
}

void ChainBuilder::norm_sum(const TensorRef& weight, const TensorRef& normed, float eps) {
  make(Kind::nowhere, normed);
  prepare_norm(weight, normed, eps);
}

void ChainBuilder::prepare_norm(const TensorRef& weight, const TensorRef& normed, float eps) {
  prepared_->at = normed.data;
  prepared_->input.norm = weight.as<float>();
  prepared_->input.eps = eps;
}

// The order of x and y matters only where one is normed.
bool ChainBuilder::take_sum(const TensorRef& x, const TensorRef& y, const TensorRef* y_norm, float y_eps, const TensorRef& sum) {
  if (is_waiting() || !is_vector(x) || !is_vector(y) || !is_vector(sum)) return false;
  const bool swaps = y_norm == nullptr && y.data == residual_;
  const TensorRef &residual = swaps ? y : x, &other = swaps ? x : y;
  LinkInput input{};
  if (residual_ != nullptr && residual.data == residual_) {
    input.residual = LinkResidual::kept;
  } else if (is_memory(residual)) {
    input.residual = LinkResidual::memory, input.residual_memory = residual.data;
    reads_.push_back({Bytes::of(residual), static_cast<int>(plan_.links.size())});
  } else {
    return false;
  }
  if (!source_of(other, &input)) return false;
  if (y_norm != nullptr) input.x_norm = y_norm->as<float>(), input.x_eps = y_eps;
  input.keep = true;
  make(Kind::sum, sum);
  residual_ = sum.data, row_at_ = nullptr;
  prepared_ = Prepared{sum.data, input};
  next_++;
  return true;
}

// One row of one: which it is says the device.
bool ChainBuilder::take_row(const TensorRef& x, const TensorRef& index, const TensorRef& y) {
  if (!is_vector(x) || !is_vector(y) || residual_ == nullptr || x.data != residual_ || index.shape[0] != 1) return false;
  if (is_waiting() && prepared_->input.norm != nullptr) return false;
  make(Kind::nowhere, y);
  row_at_ = y.data, row_ = index.as<int32_t>();
  next_++;
  return true;
}

bool ChainBuilder::input_of(const TensorRef& x, bool as_f16, LinkInput* input) {
  const int link = static_cast<int>(plan_.links.size());
  if (prepared_ && x.data == prepared_->at && prepared_->input.norm != nullptr) {
    *input = prepared_->input;
    if (prepared_->users > 0 && input->keep) {  // the sum is there already
      const LinkInput first = *input;
      *input = LinkInput{};
      input->residual = LinkResidual::kept, input->norm = first.norm, input->eps = first.eps, input->row = first.row;
    }
    const bool follows = link > 0 && prepared_->last_user == link - 1;
    const bool was_f16 = follows && (plan_.links.back().linear.weight_kind != LinkWeight::floats || plan_.dtype == DType::f16);
    if (follows && was_f16 == (as_f16 || plan_.dtype == DType::f16)) {
      *input = LinkInput{};
      input->same = true;
    }
    prepared_->users++, prepared_->last_user = link;
    return true;
  }
  if (is_waiting()) return false;
  if (residual_ != nullptr && x.data == residual_) {
    input->residual = LinkResidual::kept;
    return true;
  }
  return source_of(x, input);
}

bool ChainBuilder::take_linear(const TensorRef& x, const TensorRef& weight, const TensorRef* scale, const TensorRef& bias, const TensorRef& y) {
  if (!is_vector(x) || y.shape[0] != 1 || y.stride[1] != 1) return false;
  const int64_t in = x.shape[1], out = y.shape[1], size = dtype_bytes(weight.dtype);
  const bool is_own = scale != nullptr ? size == 1 : weight.dtype == plan_.dtype;
  if (!is_own || weight.layout != Layout::strided || weight.stride[1] != 1 || in * size % 64 != 0 || weight.stride[0] * size % 16 != 0 ||
      reinterpret_cast<uintptr_t>(weight.data) % 16 != 0 || (bias.present() && bias.dtype != plan_.dtype) ||
      (y.dtype != plan_.dtype && y.dtype != DType::f32)) {
    return false;
  }
  TensorRef gated;
  bool is_half_node = false;
  const LinkGate gate = y.dtype == plan_.dtype ? gate_behind(y, &gated, &is_half_node) : LinkGate::none;
  if (out % kTileColumns != 0) return false;
  Link link{};
  link.kind = LinkKind::linear;
  LinearLink& l = link.linear;
  if (!input_of(x, size == 1, &l.input)) return false;
  l.weight = weight.data, l.weight_scale = scale != nullptr ? scale->as<float>() : nullptr, l.bias = bias.present() ? bias.data : nullptr;
  l.row_bytes = weight.stride[0] * size;
  l.weight_kind = weight.dtype == DType::f8 ? LinkWeight::f8 : weight.dtype == DType::i8 ? LinkWeight::i8 : LinkWeight::floats;
  l.gate = gate;
  l.in = static_cast<int32_t>(in), l.out = static_cast<int32_t>(out), l.tiles = static_cast<int32_t>(out / kTileColumns);
  l.first_tile = static_cast<int32_t>(tiles_ % blocks_), tiles_ += l.tiles;
  l.f32_result = y.dtype == DType::f32;
  if (!l.f32_result) l.y = hand_over((gate != LinkGate::none ? out / 2 : out) * 2);
  if (l.f32_result) {
    make(Kind::stored, y);
  } else if (gate == LinkGate::none) {
    make(Kind::handed, y, l.y);
  } else {
    make(Kind::nowhere, y);
    make(Kind::handed, gated, l.y);
  }
  if (plan_.most_in < in) plan_.most_in = in;
  if (l.input.keep && plan_.residual_length < in) plan_.residual_length = in;
  plan_.links.push_back(link);
  next_ += gate != LinkGate::none && !is_half_node ? 2 : 1;
  if (is_half_node) {
    gated_for_ = next_;  // the chain does not end within a node
  } else {
    add_end();
  }
  return true;
}

// gate(first half of y) * second half, as the next node or what it begins with. There the product has no place of its own: that of
// the first half stands for it.
LinkGate ChainBuilder::gate_behind(const TensorRef& y, TensorRef* gated, bool* is_half_node) const {
  if (next_ + 1 >= step_.count || y.shape[1] % (2 * kTileColumns) != 0) return LinkGate::none;
  const StepNode& node = step_.nodes[next_ + 1];
  const std::string_view op = node.op;
  const bool is_half = op == "silu-mul-linear-f8";
  const LinkGate gate = op == "silu-mul" || is_half ? LinkGate::silu : op == "gelu-tanh-mul" ? LinkGate::gelu_tanh : LinkGate::none;
  if (gate == LinkGate::none) return gate;
  const auto o = SiluMulArgs::from(node.call);  // all begin with these operands; the y of a linear is not the product
  const int64_t half = y.shape[1] / 2;
  const bool are_halves = o.gate.data == y.data && o.up.data == y.as<char>() + half * 2 && o.gate.shape[1] == half && o.up.shape[1] == half;
  const TensorRef& product = is_half ? o.gate : o.y;
  if (!are_halves || product.shape[0] != 1 || product.stride[1] != 1) return LinkGate::none;
  *gated = product;
  *is_half_node = is_half;
  return gate;
}

template <class Write>
bool ChainBuilder::take_attention(const Write& write, const TensorRef& q, const TensorRef& q_out, AttentionLink l) {
  if (is_waiting() || next_ + 1 >= step_.count || std::string_view(step_.nodes[next_ + 1].op) != "paged-attention") return false;
  const auto read = PagedAttentionArgs::from(step_.nodes[next_ + 1].call);
  if (!has_dtype_ || !fits_attention_link(write, q, read, plan_.dtype) || read.q.data != q_out.data) return false;
  const int head_dim = static_cast<int>(q.shape[2]);
  if (plan_.head_dim != 0 && plan_.head_dim != head_dim) return false;
  const auto handed_q = handed(q), handed_k = handed(write.k), handed_v = handed(write.v);
  if (!handed_q || !handed_k || !handed_v) return false;
  plan_.head_dim = head_dim;
  l.q = *handed_q, l.k = *handed_k, l.v = *handed_v;
  fill_attention_link(write, read, blocks_, &l);
  l.y = hand_over(q.shape[1] * head_dim * 2);
  const int64_t pieces = static_cast<int64_t>(l.kv_heads) * l.parts * l.max_splits * kPartHeads;
  l.values = hand_over(pieces * head_dim * 4), l.masses = hand_over(pieces * 8);
  const int group = l.heads / l.kv_heads, part_heads = group < kPartHeads ? group : kPartHeads;
  if (plan_.part_heads < part_heads) plan_.part_heads = part_heads;
  if (q_out.data != q.data) make(Kind::nowhere, q_out);
  make(Kind::handed, read.y, l.y);
  Link link{};
  link.kind = LinkKind::attention, link.attention = l;
  plan_.links.push_back(link);
  next_ += 2;
  add_end();
  return true;
}

ChainPlan plan_chain(const StepNodes& step, int first, int blocks) { return ChainBuilder(step, first, blocks).build(); }

}  // namespace trtllm::cuda

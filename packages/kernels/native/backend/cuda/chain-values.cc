// What a chain's values are and where they go: the part of ChainBuilder that knows no op.
#include <cstring>

#include "chain-builder.h"

namespace trtllm::cuda {

// One row of 16-bit elements, as it can be read in packs of 16 bytes.
bool ChainBuilder::is_vector(const TensorRef& t) {
  if (t.rank != 2 || t.shape[0] != 1 || t.stride[1] != 1 || t.shape[1] % 8 != 0 || t.layout != Layout::strided) return false;
  if (t.dtype != DType::bf16 && t.dtype != DType::f16) return false;
  if (!has_dtype_) plan_.dtype = t.dtype, has_dtype_ = true;
  return t.dtype == plan_.dtype && reinterpret_cast<uintptr_t>(t.data) % 16 == 0;
}

HandedOver ChainBuilder::hand_over(int64_t bytes) {
  const HandedOver v{plan_.handed_bytes};
  plan_.handed_bytes += (bytes + 255) / 256 * 256;
  return v;
}

// An address stands for a value until the arena gives it to the next one.
void ChainBuilder::make(Kind kind, const TensorRef& t, HandedOver handed) {
  const Bytes bytes = Bytes::of(t);
  const auto is_taken = [&](const void* at) { return at != nullptr && bytes.meets(Bytes{static_cast<const char*>(at), 1}); };
  if (prepared_ && !is_waiting() && is_taken(prepared_->at)) prepared_.reset();
  if (is_taken(residual_)) residual_ = nullptr;
  if (is_taken(row_at_)) row_at_ = nullptr;
  made_.push_back({kind, bytes, handed, static_cast<int>(plan_.links.size())});
}

std::optional<HandedOver> ChainBuilder::handed(const TensorRef& t) const {
  const Bytes bytes = Bytes::of(t);
  for (size_t i = made_.size(); i > 0; i--) {
    const Made& made = made_[i - 1];
    if (!made.bytes.meets(bytes)) continue;
    if (made.kind != Kind::handed || !made.bytes.covers(bytes)) return std::nullopt;
    return HandedOver{made.handed.at + (bytes.begin - made.bytes.begin)};
  }
  return std::nullopt;
}

bool ChainBuilder::is_memory(const TensorRef& t) const {
  const Bytes bytes = Bytes::of(t);
  for (const Made& made : made_) {
    if (made.bytes.meets(bytes)) return false;
  }
  return true;
}

bool ChainBuilder::source_of(const TensorRef& x, LinkInput* input) {
  if (const auto v = handed(x)) {
    input->x = *v;
    return v->at % 16 == 0;
  }
  if (!is_memory(x)) return false;
  input->memory = x.data;
  reads_.push_back({Bytes::of(x), static_cast<int>(plan_.links.size())});
  return true;
}

int ChainBuilder::rotary_table(const RotaryStep& step) {
  const auto is_same = [&](const RotaryStep& other) {
    return step.inverse == other.inverse && step.variant == other.variant && step.positions == other.positions &&
           step.variants == other.variants && step.variant_stride == other.variant_stride && step.half == other.half &&
           step.interleaved == other.interleaved && step.attention_factor == other.attention_factor &&
           step.dynamic_factor == other.dynamic_factor && step.base == other.base && step.dynamic_length == other.dynamic_length;
  };
  for (size_t i = 0; i < plan_.rotary.size(); i++) {
    if (is_same(plan_.rotary[i])) return static_cast<int>(i);
  }
  if (plan_.rotary.size() == kMaxRotaryTables || step.half > kMaxChainHalf) return -1;
  plan_.rotary.push_back(step);
  return static_cast<int>(plan_.rotary.size()) - 1;
}

void ChainBuilder::add_end() {
  if (!is_waiting()) ends_.push_back({next_, plan_.links.size(), made_.size()});
}

// A value whose bytes a later one of the chain takes is dead by then: values alive together do not overlap.
bool ChainBuilder::is_live(const End& end, size_t made) const {
  const Bytes& bytes = made_[made].bytes;
  for (size_t i = made + 1; i < end.made; i++) {
    if (made_[i].bytes.meets(bytes)) return false;
  }
  return is_read_later(step_, end.node, bytes);
}

// Every block is done with link `read` before any begins link `store`: between them lies a vector of which each block makes a part.
bool ChainBuilder::is_ordered(int read, int store) const {
  for (int i = read; i < store; i++) {
    const Link& link = plan_.links[static_cast<size_t>(i)];
    if (link.kind == LinkKind::linear && link.linear.tiles >= blocks_ && link.linear.y.at != 0) return true;
  }
  return false;
}

bool ChainBuilder::is_possible(const End& end) const {
  int linears = 0;
  for (size_t i = 0; i < end.links; i++) linears += plan_.links[i].kind == LinkKind::linear ? 1 : 0;
  if (linears < 2) return false;
  for (size_t i = 0; i < end.made; i++) {
    const Made& made = made_[i];
    if (!is_live(end, i)) continue;
    if (made.kind == Kind::nowhere) return false;
    for (const Read& read : reads_) {
      const bool is_inside = read.link < static_cast<int>(end.links);
      if (is_inside && read.bytes.meets(made.bytes) && !is_ordered(read.link, made.link)) return false;
    }
  }
  return true;
}

void ChainBuilder::finish(const End& end) {
  for (size_t i = 0; i < end.made; i++) {
    const Made& made = made_[i];
    if (made.kind == Kind::nowhere || !is_live(end, i)) continue;
    Link& link = plan_.links[static_cast<size_t>(made.link)];
    void* place = const_cast<char*>(made.bytes.begin);
    if (made.kind == Kind::sum) {
      link.linear.input.sum = place;
    } else if (link.kind == LinkKind::attention) {
      link.attention.result = place;
    } else {
      link.linear.result = place;
    }
  }
  plan_.links.resize(end.links);
  plan_.num_nodes = end.node - first_;
}

}  // namespace trtllm::cuda

#include "chain-memory.h"

namespace trtllm::cuda {

Bytes Bytes::of(const TensorRef& t) {
  if (!t.present() || t.data == nullptr) return Bytes();
  int64_t last = 0;
  for (int i = 0; i < t.rank; i++) {
    if (t.shape[i] == 0) return Bytes();
    last += (t.shape[i] - 1) * t.stride[i];
  }
  return Bytes{static_cast<const char*>(t.data), (last + 1) * dtype_bytes(t.dtype)};
}

static bool is_contiguous(const TensorRef& t) {
  int64_t stride = 1;
  for (int i = t.rank - 1; i >= 0; i--) {
    if (t.shape[i] != 1 && t.stride[i] != stride) return false;
    stride *= t.shape[i];
  }
  return true;
}

bool is_read_later(const StepNodes& step, int first, const Bytes& bytes) {
  if (bytes.is_empty()) return false;
  for (int n = first; n < step.count; n++) {
    const StepNode& node = step.nodes[n];
    for (int i = 0; i < node.num_inputs; i++) {
      if (Bytes::of(node.call.operands[i]).meets(bytes)) return true;
    }
    for (int i = node.num_inputs; i < node.call.num_operands; i++) {
      const TensorRef& result = node.call.operands[i];
      if (Bytes::of(result).covers(bytes) && is_contiguous(result)) return false;
    }
  }
  const StepNode& last = step.nodes[step.count - 1];  // what it makes may be looked at after the step (Plan::Probe)
  for (int i = last.num_inputs; first == step.count && i < last.call.num_operands; i++) {
    if (Bytes::of(last.call.operands[i]).meets(bytes)) return true;
  }
  return !Bytes{step.arena, step.arena_bytes}.covers(bytes);
}

}  // namespace trtllm::cuda

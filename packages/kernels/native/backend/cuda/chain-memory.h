#pragma once
#include <cstdint>

#include "../../core/step-nodes.h"

// Bytes of memory that a step's nodes read and write, as far as it decides which nodes may run together in a chain.
namespace trtllm::cuda {

struct Bytes {
  const char* begin = nullptr;
  int64_t count = 0;

  static Bytes of(const TensorRef& t);  // from the first to the last element
  const char* end() const { return begin + count; }
  bool is_empty() const { return count == 0; }
  bool meets(const Bytes& other) const { return begin < other.end() && other.begin < end(); }
  bool covers(const Bytes& other) const { return begin <= other.begin && other.end() <= end(); }
};

// Whether node `first` or a later one reads any of it before all of it is written, or it outlives the step.
bool is_read_later(const StepNodes& step, int first, const Bytes& bytes);

}  // namespace trtllm::cuda

#pragma once
#include <memory>
#include <vector>

#include "../backend/buffer.h"
#include "operand-table.h"

namespace trtllm {

// The stretches of a step's nodes that the backend runs as one, for steps of given sizes and addresses (Backend::make_chain).
class StepChains {
 public:
  struct Chain {
    int first, count;  // nodes
    ChainState* state;
    std::shared_ptr<Buffer> memory;
  };

  // None where the device has no memory left for them. HAZARD: enqueues copies: not while the stream records.
  static Status make(std::shared_ptr<Device> device, StreamState* stream, const StepNodes& nodes, const StepSizes& sizes, const Bases& bases,
                     std::shared_ptr<StepChains>* out);
  ~StepChains() { forget(); }
  StepChains(const StepChains&) = delete;
  StepChains& operator=(const StepChains&) = delete;

  bool serves(const StepSizes& sizes, const Bases& bases) const { return sizes_ == sizes && bases_ == bases; }
  // In the order of nodes.
  const std::vector<Chain>& all() const { return chains_; }

 private:
  StepChains(std::shared_ptr<Device> device, const StepSizes& sizes, const Bases& bases) : device_(std::move(device)), sizes_(sizes), bases_(bases) {}

  void forget();

  std::shared_ptr<Device> device_;
  StepSizes sizes_;
  Bases bases_;
  std::vector<Chain> chains_;
};

}  // namespace trtllm

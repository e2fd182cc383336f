#pragma once
#include "status.h"
#include "tensor-ref.h"

namespace trtllm {

// Rows and columns of a weight that share one scale where a checkpoint keeps scales by blocks.
constexpr int64_t kScaleBlockSize = 128;

// One scale for each block, those at the edges included.
[[gnu::always_inline]] inline Status check_scale_blocks(const char* op, const TensorRef& weight, const TensorRef& scale) {
  const int64_t rows = (weight.shape[0] + kScaleBlockSize - 1) / kScaleBlockSize;
  const int64_t columns = (weight.shape[1] + kScaleBlockSize - 1) / kScaleBlockSize;
  if (scale.shape[0] == rows && scale.shape[1] == columns) return Status();
  return Status::error(Code::invalid, "%s: [%lld, %lld] scales for a weight of [%lld, %lld], expected [%lld, %lld]: one for each 128 x 128",
                       op, static_cast<long long>(scale.shape[0]), static_cast<long long>(scale.shape[1]),
                       static_cast<long long>(weight.shape[0]), static_cast<long long>(weight.shape[1]),
                       static_cast<long long>(rows), static_cast<long long>(columns));
}

}  // namespace trtllm

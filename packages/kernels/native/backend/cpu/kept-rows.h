#pragma once
#include "../../core/kernel.h"

// Rows that an op keeps to itself between two of its parts: [rows, columns] contiguous in the workspace.
namespace trtllm {
namespace ISA_NS {

static inline int64_t kept_rows_bytes(const TensorRef& like) { return like.shape[0] * like.shape[1] * dtype_bytes(like.dtype); }

static inline TensorRef kept_rows(const TensorRef& like, const LaunchContext& context) {
  TensorRef rows = like;
  rows.data = context.workspace;
  rows.stride[0] = like.shape[1];
  return rows;
}

}  // namespace ISA_NS
}  // namespace trtllm

#pragma once
#include <algorithm>
#include <vector>

#include "load-matrix.h"

// Host matrices whose rows do not lie in one piece, as those of tensors stored [inputs, outputs].
namespace trtllm {

// Rows [first, first + rows) of `source`, contiguous in `to`.
void copy_turned(ThreadPool& pool, const HostMatrix& source, int64_t first, int64_t rows, char* to);

// f(block of rows that lie in one piece, its first row) over all of `source`; ends at the first Status that is not ok.
template <class F>
Status each_turned_block(ThreadPool& pool, const HostMatrix& source, F&& f) {
  constexpr int64_t kBlockBytes = 16 << 20;
  const int64_t row_bytes = std::max<int64_t>(1, source.columns * dtype_bytes(source.dtype));
  const int64_t most = std::max<int64_t>(16, kBlockBytes / row_bytes / 16 * 16);
  std::vector<char> block(static_cast<size_t>(std::min(most, source.rows) * row_bytes));
  for (int64_t first = 0; first < source.rows; first += most) {
    const int64_t rows = std::min(most, source.rows - first);
    copy_turned(pool, source, first, rows, block.data());
    TRTLLM_TRY(f(HostMatrix{block.data(), source.dtype, rows, source.columns, source.columns}, first));
  }
  return Status();
}

}  // namespace trtllm

#include <cstring>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_gather_rows(const OpCall& call, LaunchContext& context) {
  const auto o = GatherRowsArgs::from(call);
  const int32_t* index = o.index.as<int32_t>();
  const int64_t rows = o.index.shape[0], size = dtype_bytes(o.x.dtype);
  for (int64_t r = 0; r < rows; r++) {
    if (index[r] < 0 || index[r] >= o.x.shape[0]) {
      return Status::error(Code::invalid, "gather-rows: row %lld asks for token %d of %lld", static_cast<long long>(r),
                           index[r], static_cast<long long>(o.x.shape[0]));
    }
  }
  context.pool->for_each(rows, row_grain(o.x.shape[1]), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      memcpy(o.y.as<char>() + r * o.y.stride[0] * size, o.x.as<char>() + index[r] * o.x.stride[0] * size,
             static_cast<size_t>(o.x.shape[1] * size));
    }
  });
  return Status();
}

TRTLLM_CPU_KERNEL(gather_rows, "gather-rows", launch_gather_rows)

}  // namespace ISA_NS
}  // namespace trtllm

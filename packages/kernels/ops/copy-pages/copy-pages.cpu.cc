#include <cstring>

#include "../../native/backend/cpu/register.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_copy_pages(const OpCall& call, LaunchContext& context) {
  const auto o = CopyPagesArgs::from(call);
  const int32_t* copies = o.copies.as<int32_t>();
  const int64_t count = *o.num_copies.as<int32_t>();
  if (count < 0 || count > o.copies.shape[0]) {
    return Status::error(Code::invalid, "copy-pages: %lld records, room for %lld", static_cast<long long>(count),
                         static_cast<long long>(o.copies.shape[0]));
  }
  const int64_t runs = o.cache.shape[1], page_tokens = o.cache.shape[2];
  const int64_t size = dtype_bytes(o.cache.dtype), token_bytes = o.cache.shape[3] * size;
  const int32_t lane = o.lane;
  for (int64_t i = 0; i < count; i++) {
    const int32_t* record = copies + 4 * i;
    if (record[0] != lane) continue;
    if (record[1] < 0 || record[1] >= o.source.shape[0] || record[2] < 0 || record[2] >= o.cache.shape[0] ||
        record[3] < 0 || record[3] > page_tokens) {
      return Status::error(Code::invalid, "copy-pages: record %lld copies %d tokens of page %d of %lld to page %d of %lld",
                           static_cast<long long>(i), record[3], record[1], static_cast<long long>(o.source.shape[0]),
                           record[2], static_cast<long long>(o.cache.shape[0]));
    }
  }
  context.pool->for_each(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int32_t* record = copies + 4 * i;
      if (record[0] != lane) continue;
      for (int64_t run = 0; run < runs; run++) {
        const int64_t from = record[1] * o.source.stride[0] + run * o.source.stride[1];
        const int64_t to = record[2] * o.cache.stride[0] + run * o.cache.stride[1];
        memcpy(o.cache.as<char>() + to * size, o.source.as<char>() + from * size,
               static_cast<size_t>(record[3] * token_bytes));
      }
    }
  });
  return Status();
}

TRTLLM_CPU_KERNEL(copy_pages, "copy-pages", launch_copy_pages)

}  // namespace ISA_NS
}  // namespace trtllm

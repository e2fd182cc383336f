#include <cstring>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/pages.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_kv_write(const OpCall& call, LaunchContext& context) {
  const auto o = KvWriteArgs::from(call);
  const Pages pages{o.page_table, o.cache};
  const int32_t* slots = o.token_slot.as<int32_t>();
  const int32_t* positions = o.positions.as<int32_t>();
  const int64_t tokens = o.k.shape[0], heads = o.k.shape[1], dim = o.k.shape[2];
  TRTLLM_TRY(check_pages("kv-write", pages, slots, positions, tokens));
  const int64_t size = dtype_bytes(o.cache.dtype), row_bytes = dim * size;
  context.pool->for_each(tokens, row_grain(2 * heads * dim), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t++) {
      const int64_t page = pages.page_of(slots[t], positions[t]);
      const int64_t offset = positions[t] % pages.page_tokens() * row_bytes;
      for (int64_t head = 0; head < heads; head++) {
        const int64_t base = page * o.cache.stride[0] + head * o.cache.stride[2];
        char* key = o.cache.as<char>() + base * size + offset;
        memcpy(key, o.k.as<char>() + (t * o.k.stride[0] + head * o.k.stride[1]) * size, static_cast<size_t>(row_bytes));
        memcpy(key + o.cache.stride[1] * size, o.v.as<char>() + (t * o.v.stride[0] + head * o.v.stride[1]) * size,
               static_cast<size_t>(row_bytes));
      }
    }
  });
  return Status();
}

TRTLLM_CPU_KERNEL(kv_write, "kv-write", launch_kv_write)

}  // namespace ISA_NS
}  // namespace trtllm

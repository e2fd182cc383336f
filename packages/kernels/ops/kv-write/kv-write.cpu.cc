#include <type_traits>

#include "../../native/backend/cpu/cache-write.h"
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
  TRTLLM_TRY(check_write("kv-write", o, pages));
  const auto cache = CacheWrite::of(o, pages);
  return by_float("kv-write", o.k.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    context.pool->for_each(tokens, row_grain(2 * heads * dim), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; t++) {
        const int64_t page = pages.page_of(slots[t], positions[t]), row = positions[t] % pages.page_tokens();
        for (int64_t head = 0; head < heads; head++) {
          cache.put(page, 0, head, row, row_of<T>(o.k, t) + head * o.k.stride[1], dim);
          cache.put(page, 1, head, row, row_of<T>(o.v, t) + head * o.v.stride[1], dim);
        }
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(kv_write, "kv-write", launch_kv_write)

}  // namespace ISA_NS
}  // namespace trtllm

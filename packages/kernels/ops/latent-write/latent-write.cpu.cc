#include <cstring>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/pages.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status launch_latent_write(const OpCall& call, LaunchContext& context) {
  const auto o = LatentWriteArgs::from(call);
  const Pages pages{o.page_table, o.cache};
  const int32_t* slots = o.token_slot.as<int32_t>();
  const int32_t* positions = o.positions.as<int32_t>();
  const int64_t tokens = o.latent.shape[0], rank = o.latent.shape[1], rope_dim = o.pe.shape[2];
  TRTLLM_TRY(check_latent("latent-write", o.latent, rank + rope_dim, o.cache));
  TRTLLM_TRY(check_pages("latent-write", pages, slots, positions, tokens));
  const int64_t size = dtype_bytes(o.cache.dtype);
  context.pool->for_each(tokens, row_grain(rank + rope_dim), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t++) {
      const int64_t page = pages.page_of(slots[t], positions[t]);
      const int64_t at = page * o.cache.stride[0] + positions[t] % pages.page_tokens() * o.cache.stride[1];
      char* to = o.cache.as<char>() + at * size;
      memcpy(to, o.latent.as<char>() + t * o.latent.stride[0] * size, static_cast<size_t>(rank * size));
      memcpy(to + rank * size, o.pe.as<char>() + t * o.pe.stride[0] * size, static_cast<size_t>(rope_dim * size));
    }
  });
  return Status();
}

TRTLLM_CPU_KERNEL(latent_write, "latent-write", launch_latent_write)

}  // namespace ISA_NS
}  // namespace trtllm

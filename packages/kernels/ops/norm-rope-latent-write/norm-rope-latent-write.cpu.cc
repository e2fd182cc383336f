#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/pages.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/rms.h"
#include "../../native/backend/cpu/rotary.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

// The norm of rms-norm, the rotations of rope and the copies of latent-write: fused and unfused plans give the same bits.
static Status launch_norm_rope_latent_write(const OpCall& call, LaunchContext& context) {
  const auto o = NormRopeLatentWriteArgs::from(call);
  const int64_t tokens = o.latent.shape[0], rank = o.latent.shape[1], heads = o.q_pe.shape[1], rope_dim = o.pe.shape[2];
  TRTLLM_TRY(check_latent("norm-rope-latent-write", o.latent, rank + rope_dim, o.cache));
  RotaryStep step;
  TRTLLM_TRY(rotary_step("norm-rope-latent-write", o, rope_dim, &step));
  const Pages pages{o.page_table, o.cache};
  const int32_t* slots = o.token_slot.as<int32_t>();
  TRTLLM_TRY(check_pages("norm-rope-latent-write", pages, slots, step.positions, tokens));
  return by_float("norm-rope-latent-write", o.latent.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    context.pool->for_each(tokens, row_grain(rank + (heads + 1) * rope_dim), [&](int64_t begin, int64_t end) {
      float cosine[kMaxRotaryHalf], sine[kMaxRotaryHalf];
      for (int64_t t = begin; t < end; t++) {
        step.table(t, cosine, sine);
        for (int64_t head = 0; head < heads; head++) {
          rotate_head(step.rule, static_cast<const T*>(row_of<T>(o.q_pe, t) + head * o.q_pe.stride[1]),
                      row_of<T>(o.q_pe_out, t) + head * o.q_pe_out.stride[1], rope_dim, cosine, sine);
        }
        const int64_t page = pages.page_of(slots[t], step.positions[t]);
        T* to = pages.latent_at<T>(page) + step.positions[t] % pages.page_tokens() * o.cache.stride[1];
        rms_norm_row(static_cast<const T*>(row_of<T>(o.latent, t)), o.weight.as<float>(), to, rank, o.eps);
        rotate_head(step.rule, static_cast<const T*>(row_of<T>(o.pe, t)), to + rank, rope_dim, cosine, sine);
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(norm_rope_latent_write, "norm-rope-latent-write", launch_norm_rope_latent_write)

}  // namespace ISA_NS
}  // namespace trtllm

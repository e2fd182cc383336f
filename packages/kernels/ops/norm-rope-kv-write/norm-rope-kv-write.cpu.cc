#include <type_traits>

#include "../../native/backend/cpu/cache-write.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/rms.h"
#include "../../native/backend/cpu/rotary.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

// The same sums as head-rms-norm, rotations as rope and writes as kv-write: fused and unfused plans give the same bits.
static Status launch_norm_rope_kv_write(const OpCall& call, LaunchContext& context) {
  const auto o = NormRopeKvWriteArgs::from(call);
  const int64_t tokens = o.q.shape[0], heads = o.q.shape[1], kv_heads = o.k.shape[1], dim = o.q.shape[2];
  if (dim > 2 * kMaxRotaryHalf) {
    return Status::error(Code::unsupported, "norm-rope-kv-write: head size %lld; expected at most %lld",
                         static_cast<long long>(dim), static_cast<long long>(2 * kMaxRotaryHalf));
  }
  const float* q_weight = o.q_weight.as<float>();
  const float* k_weight = o.k_weight.as<float>();
  RotaryStep step;
  TRTLLM_TRY(rotary_step("norm-rope-kv-write", o, dim, &step));
  const Pages pages{o.page_table, o.cache};
  const int32_t* slots = o.token_slot.as<int32_t>();
  TRTLLM_TRY(check_write("norm-rope-kv-write", o, pages));
  const auto cache = CacheWrite::of(o, pages);
  return by_float("norm-rope-kv-write", o.q.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    context.pool->for_each(tokens, row_grain(2 * (heads + kv_heads) * dim), [&](int64_t begin, int64_t end) {
      float cosine[kMaxRotaryHalf], sine[kMaxRotaryHalf];
      T normed[2 * kMaxRotaryHalf], key[2 * kMaxRotaryHalf];
      for (int64_t t = begin; t < end; t++) {
        step.table(t, cosine, sine);
        for (int64_t head = 0; head < heads; head++) {
          rms_norm_row(static_cast<const T*>(row_of<T>(o.q, t) + head * o.q.stride[1]), q_weight, normed, dim, o.eps);
          rotate_head(step.rule, static_cast<const T*>(normed), row_of<T>(o.q_out, t) + head * o.q_out.stride[1], dim, cosine, sine);
        }
        const int64_t page = pages.page_of(slots[t], step.positions[t]), row = step.positions[t] % pages.page_tokens();
        for (int64_t head = 0; head < kv_heads; head++) {
          rms_norm_row(static_cast<const T*>(row_of<T>(o.k, t) + head * o.k.stride[1]), k_weight, normed, dim, o.eps);
          rotate_head(step.rule, static_cast<const T*>(normed), key, dim, cosine, sine);
          cache.put(page, 0, head, row, key, dim);
          cache.put(page, 1, head, row, row_of<T>(o.v, t) + head * o.v.stride[1], dim);
        }
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(norm_rope_kv_write, "norm-rope-kv-write", launch_norm_rope_kv_write)

}  // namespace ISA_NS
}  // namespace trtllm

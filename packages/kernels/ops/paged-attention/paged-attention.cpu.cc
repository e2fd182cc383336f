#include <type_traits>

#include "../../native/backend/cpu/attention-plain.h"
#include "../../native/backend/cpu/attention.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

static Status check_step(const PagedAttentionArgs& o, const AttentionShape& shape, const Pages& pages) {
  if ((o.q.dtype != o.cache.dtype && o.cache.dtype != DType::f8) || o.cache.shape[3] != kPageTokens || shape.head_dim > kMaxHeadDim ||
      shape.kv_heads == 0 || o.q.shape[1] != shape.kv_heads * shape.group) {
    return Status::error(Code::unsupported,
                         "paged-attention: q %s with %lld heads of %lld over a %s cache of %lld kv heads, %lld tokens "
                         "a page; types must agree or the cache be f8, heads divide, pages hold 32 tokens, heads 512 elements "
                         "at most",
                         dtype_name(o.q.dtype), static_cast<long long>(o.q.shape[1]),
                         static_cast<long long>(shape.head_dim), dtype_name(o.cache.dtype),
                         static_cast<long long>(shape.kv_heads), static_cast<long long>(o.cache.shape[3]));
  }
  return check_sequences("paged-attention", o, pages, shape.window);
}

template <class T, class C>
static void attend(const AttentionShape& shape, const Pages& pages, const PagedAttentionArgs& o, const SequenceSpan& span,
                   int64_t kv_head, int64_t row, int64_t row_end) {
#if TRTLLM_SCALAR
  attend_rows_reference<T, C>(shape, pages, o.q, o.y, span, kv_head, row, row_end);
#else
  attend_rows<T, C>(shape, pages, o.q, o.y, span, kv_head, row, row_end);
#endif
}

static Status launch_paged_attention(const OpCall& call, LaunchContext& context) {
  const auto o = PagedAttentionArgs::from(call);
  const Pages pages{o.page_table, o.cache};
  AttentionShape shape{};
  shape.kv_heads = o.cache.shape[2];
  shape.group = shape.kv_heads > 0 ? o.q.shape[1] / shape.kv_heads : 0;
  shape.head_dim = o.q.shape[2];
  shape.padded_dim = (shape.head_dim + kLanes - 1) / kLanes * kLanes;
  shape.value_dim = shape.padded_dim;
  shape.window = o.window;
  const bool is_f8 = o.cache.dtype == DType::f8;
  shape.scale = is_f8 ? o.scale * o.key_scale : o.scale;
  shape.value_scale = is_f8 ? o.value_scale : 1.0f;
  shape.softcap = o.softcap;
  shape.sinks = o.sinks.present() ? o.sinks.as<float>() : nullptr;
  TRTLLM_TRY(check_step(o, shape, pages));
  const int64_t seqs = o.seq_slot.shape[0];
  const auto blocks_of = [&](int64_t s) { return (span_of(o, s).queries * shape.group + kTaskRows - 1) / kTaskRows; };
  int64_t tasks = 0;
  for (int64_t s = 0; s < seqs; s++) tasks += blocks_of(s) * shape.kv_heads;
  const int64_t grain = 1 + tasks / (context.pool->num_threads() * 16);
  return by_float("paged-attention", o.q.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    context.pool->for_each(tasks, grain, [&](int64_t begin, int64_t end) {
      int64_t s = 0, first = 0;  // first task of sequence s
      for (int64_t task = begin; task < end; task++) {
        while (task >= first + blocks_of(s) * shape.kv_heads) first += blocks_of(s++) * shape.kv_heads;
        const SequenceSpan span = span_of(o, s);
        const int64_t head = (task - first) / blocks_of(s), block = (task - first) % blocks_of(s);
        const int64_t rows = span.queries * shape.group, row = block * kTaskRows;
        const int64_t row_end = row + kTaskRows < rows ? row + kTaskRows : rows;
        if (is_f8) {
          attend<T, F8>(shape, pages, o, span, head, row, row_end);
        } else {
          attend<T, T>(shape, pages, o, span, head, row, row_end);
        }
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(paged_attention, "paged-attention", launch_paged_attention)

}  // namespace ISA_NS
}  // namespace trtllm

#include <cmath>
#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/latent-products.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/generated/op-args.h"

// Absorbed in every step, for a token may come alone or in a chunk: K^T q of all tokens, attention over latent pages, then V
// of what each head has summed. The first and last phase are pieces of (head, tokens), the second of rows of one sequence.
namespace trtllm {
namespace ISA_NS {

static int64_t padded(int64_t size) { return (size + kLanes - 1) / kLanes * kLanes; }

static LatentRows rows_of(const LatentAttentionArgs& o, void* workspace) {
  const int64_t tokens = o.q.shape[0], heads = o.q.shape[1], rank = o.weight.shape[1], width = rank + o.q_pe.shape[2];
  float* queries = static_cast<float*>(workspace);
  return LatentRows{heads, rank, width, padded(rank), padded(width), queries, queries + tokens * heads * padded(width)};
}

static int64_t latent_attention_workspace(const OpCall& call) {
  const auto o = LatentAttentionArgs::from(call);
  const LatentRows rows = rows_of(o, nullptr);
  return o.q.shape[0] * rows.heads * (rows.padded_width + rows.padded_rank) * 4;
}

static Status check_shapes(const LatentAttentionArgs& o, const LatentRows& rows) {
  const int64_t nope = o.q.shape[2], value = o.y.shape[2];
  if (o.q.dtype == o.cache.dtype && o.weight.dtype == o.q.dtype && o.cache.shape[1] == kPageTokens &&
      o.cache.shape[2] == rows.width && rows.width <= kMaxLatentWidth && nope <= kMaxLatentWidth &&
      o.weight.shape[0] == rows.heads * (nope + value)) {
    return Status();
  }
  return Status::error(Code::unsupported,
                       "latent-attention: %lld heads of %lld + %lld, values of %lld, a weight of %lld rows, %s pages of "
                       "%lld x %lld for q %s; types must agree, rows be heads * (nope + value), pages 32 x (rank + rope) "
                       "and no wider than 1024",
                       static_cast<long long>(rows.heads), static_cast<long long>(nope),
                       static_cast<long long>(o.q_pe.shape[2]), static_cast<long long>(value),
                       static_cast<long long>(o.weight.shape[0]), dtype_name(o.cache.dtype),
                       static_cast<long long>(o.cache.shape[1]), static_cast<long long>(o.cache.shape[2]),
                       dtype_name(o.q.dtype));
}

template <class T>
static void attend(const LatentAttentionArgs& o, const AttentionShape& shape, const Pages& pages, const LatentRows& rows,
                   ThreadPool& pool) {
  const auto blocks_of = [&](int64_t s) { return (span_of(o, s).queries * rows.heads + kTaskRows - 1) / kTaskRows; };
  int64_t tasks = 0;
  for (int64_t s = 0; s < o.seq_slot.shape[0]; s++) tasks += blocks_of(s);
  pool.for_each(tasks, 1 + tasks / (pool.num_threads() * 16), [&](int64_t begin, int64_t end) {
    int64_t s = 0, first = 0;  // first task of sequence s
    for (int64_t task = begin; task < end; task++) {
      while (task >= first + blocks_of(s)) first += blocks_of(s++);
      const SequenceSpan span = span_of(o, s);
      const int64_t all = span.queries * rows.heads, row = (task - first) * kTaskRows;
      attend_latent_rows<T>(shape, pages, rows, span, row, row + kTaskRows < all ? row + kTaskRows : all);
    }
  });
}

static Status launch_latent_attention(const OpCall& call, LaunchContext& context) {
  const auto o = LatentAttentionArgs::from(call);
  const Pages pages{o.page_table, o.cache};
  const LatentRows rows = rows_of(o, context.workspace);
  TRTLLM_TRY(check_shapes(o, rows));
  TRTLLM_TRY(check_sequences("latent-attention", o, pages, 0));
  AttentionShape shape{};
  shape.value_dim = rows.padded_rank;
  shape.padded_dim = rows.padded_width;
  shape.scale = o.scale;
  const LatentWeight weight{o.weight, o.q.shape[2], o.y.shape[2]};
  const int64_t tokens = o.q.shape[0], groups = (tokens + kTokensTogether - 1) / kTokensTogether;
  return by_float("latent-attention", o.q.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const auto each_piece = [&](auto&& compute) {
      context.pool->for_each(rows.heads * groups, 1, [&](int64_t from, int64_t to) {
        for (int64_t piece = from; piece < to; piece++) {
          const int64_t begin = piece % groups * kTokensTogether, end = begin + kTokensTogether;
          compute(piece / groups, begin, end < tokens ? end : tokens);
        }
      });
    };
    each_piece([&](int64_t head, int64_t begin, int64_t end) {
      absorb_queries<T>(weight, rows, o.q, o.q_pe, head, begin, end);
    });
    attend<T>(o, shape, pages, rows, *context.pool);
    each_piece([&](int64_t head, int64_t begin, int64_t end) { project_values<T>(weight, rows, o.y, head, begin, end); });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(latent_attention, "latent-attention", launch_latent_attention, latent_attention_workspace)

}  // namespace ISA_NS
}  // namespace trtllm

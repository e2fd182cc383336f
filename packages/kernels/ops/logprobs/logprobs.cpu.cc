#include "../../native/backend/cpu/logit-order.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/slot-state.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

// The best `wanted` ids, best first, equal logits by id.
static void best_ids(const float* logits, int64_t vocab, int64_t wanted, int32_t* ids) {
  int64_t found = 0;
  uint32_t keys[20];
  for (int64_t i = 0; i < vocab; i++) {
    const uint32_t key = order_key(logits[i]);
    if (found == wanted && key <= keys[wanted - 1]) continue;
    int64_t at = found < wanted ? found++ : wanted - 1;
    for (; at > 0 && keys[at - 1] < key; at--) {
      keys[at] = keys[at - 1];
      ids[at] = ids[at - 1];
    }
    keys[at] = key;
    ids[at] = static_cast<int32_t>(i);
  }
}

struct LogprobsRow {
  float* chosen;
  int32_t* rank;
  int32_t* ids;
  float* values;
  int64_t room;

  void clear() {
    *chosen = 0;
    *rank = 0;
    for (int64_t i = 0; i < room; i++) {
      ids[i] = -1;
      values[i] = 0;
    }
  }

  void list(const float* logits, int64_t vocab, double normalizer, int64_t wanted) {
    wanted = wanted < room ? wanted : room;
    wanted = wanted < vocab ? wanted : vocab;
    if (wanted <= 0) return;
    best_ids(logits, vocab, wanted, ids);
    for (int64_t i = 0; i < wanted; i++) values[i] = logprob_of(logits[ids[i]], normalizer);
  }

  void tell(const float* logits, int64_t vocab, int64_t id, int64_t wanted) {
    if (wanted < 0 || id < 0 || id >= vocab) return;
    const double normalizer = log_sum_exp(logits, vocab);
    *chosen = logprob_of(logits[id], normalizer);
    const float own = logits[id] == logits[id] ? logits[id] : -__builtin_inff();
    int64_t greater = 0;
    for (int64_t i = 0; i < vocab; i++) greater += logits[i] > own ? 1 : 0;
    *rank = static_cast<int32_t>(greater + 1);
    list(logits, vocab, normalizer, wanted);
  }
};

static Status launch_logprobs(const OpCall& call, LaunchContext& context) {
  const auto o = LogprobsArgs::from(call);
  const int64_t rows = o.logits.shape[0], vocab = o.logits.shape[1], room = o.top_ids.shape[1];
  context.pool->for_each(rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      LogprobsRow out{o.chosen.as<float>() + row, o.rank.as<int32_t>() + row,
                      o.top_ids.as<int32_t>() + row * o.top_ids.stride[0],
                      o.top_logprobs.as<float>() + row * o.top_logprobs.stride[0], room};
      out.clear();
      const int32_t* record = slot_row(o.sampling, o.row_slot.as<int32_t>()[row]);
      if (record == nullptr) continue;
      const float* logits = o.logits.as<float>() + row * o.logits.stride[0];
      switch (o.row_sample.as<int32_t>()[row]) {
        case row_task::sample:
          out.tell(logits, vocab, o.token.as<int32_t>()[row], record[words::num_logprobs]);
          break;
        case row_task::score:
          out.tell(logits, vocab, o.row_target.as<int32_t>()[row], record[words::num_prompt_logprobs]);
          break;
        case row_task::candidates:
          if (record[words::processes] != 0) {
            out.list(o.processed.as<float>() + row * o.processed.stride[0], vocab, 0.0, record[words::num_candidates]);
          } else {
            out.list(logits, vocab, log_sum_exp(logits, vocab), record[words::num_candidates]);
          }
          break;
      }
    }
  });
  return Status();
}

TRTLLM_CPU_KERNEL(logprobs, "logprobs", launch_logprobs)

}  // namespace ISA_NS
}  // namespace trtllm

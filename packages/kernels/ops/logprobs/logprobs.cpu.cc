#include <cmath>

#include "../../native/backend/cpu/logit-order.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/slot-state.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

// log(sum(exp(logit))), sixteen f64 lanes joined in lane order.
static double log_sum_exp(const float* logits, int64_t vocab) {
  const float best = best_logit(logits, vocab);
  if (best - best != 0) return best;  // infinite
  double lanes[kLanes] = {};
  for_stretches(vocab, [&](int64_t i, int n) {
    float weights[kLanes];
    store(weights, max(exp(sub(load_stretch(logits + i, n), set(best))), zero()));
    for (int lane = 0; lane < n; lane++) lanes[lane] += weights[lane];
  });
  double total = 0;
  for (int lane = 0; lane < kLanes; lane++) total += lanes[lane];
  return best + ::log(total);
}

static float logprob_of(float logit, double normalizer) {
  if (!(logit > -__builtin_inff())) return -__builtin_inff();
  if (normalizer - normalizer != 0) return logit == normalizer ? 0.0f : -__builtin_inff();
  return static_cast<float>(logit - normalizer);
}

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

static Status launch_logprobs(const OpCall& call, LaunchContext& context) {
  const auto o = LogprobsArgs::from(call);
  const int64_t rows = o.logits.shape[0], vocab = o.logits.shape[1], room = o.top_ids.shape[1];
  context.pool->for_each(rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      float* chosen = o.chosen.as<float>() + row;
      int32_t* rank = o.rank.as<int32_t>() + row;
      int32_t* ids = o.top_ids.as<int32_t>() + row * o.top_ids.stride[0];
      float* values = o.top_logprobs.as<float>() + row * o.top_logprobs.stride[0];
      *chosen = 0;
      *rank = 0;
      for (int64_t i = 0; i < room; i++) {
        ids[i] = -1;
        values[i] = 0;
      }
      const int32_t* record = slot_row(o.sampling, o.row_slot.as<int32_t>()[row]);
      const int64_t token = o.token.as<int32_t>()[row];
      if (record == nullptr || record[words::num_logprobs] < 0 || token < 0 || token >= vocab) continue;
      const float* logits = o.logits.as<float>() + row * o.logits.stride[0];
      const double normalizer = log_sum_exp(logits, vocab);
      *chosen = logprob_of(logits[token], normalizer);
      const float own = logits[token] == logits[token] ? logits[token] : -__builtin_inff();
      int64_t greater = 0;
      for (int64_t i = 0; i < vocab; i++) greater += logits[i] > own ? 1 : 0;
      *rank = static_cast<int32_t>(greater + 1);
      int64_t wanted = record[words::num_logprobs];
      wanted = wanted < room ? wanted : room;
      wanted = wanted < vocab ? wanted : vocab;
      if (wanted == 0) continue;
      best_ids(logits, vocab, wanted, ids);
      for (int64_t i = 0; i < wanted; i++) values[i] = logprob_of(logits[ids[i]], normalizer);
    }
  });
  return Status();
}

TRTLLM_CPU_KERNEL(logprobs, "logprobs", launch_logprobs)

}  // namespace ISA_NS
}  // namespace trtllm

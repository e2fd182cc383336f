#include "../../native/backend/cpu/logit-order.h"
#include "../../native/backend/cpu/philox.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/slot-state.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

// Rows go round-robin to this many parts, each with one row of scratch weights.
constexpr int64_t kSampleParts = 16;

// top_p for the output `index`, of which those before it are `outputs`.
static double decayed_top_p(const int32_t* record, const int32_t* outputs, int64_t index) {
  const double decay = word_f32(record, words::top_p_decay), least = word_f32(record, words::top_p_min);
  const int32_t reset = record[words::top_p_reset_id];
  double top_p = word_f32(record, words::top_p);
  if (!(decay < 1) || outputs == nullptr) return top_p;
  for (int64_t i = index - 1; i >= 0 && outputs[i] != reset; i--) {
    top_p *= decay;
    if (top_p <= least) return least;
  }
  return top_p;
}

// The drawn id, or -1 where the logits are no numbers to choose by.
static int64_t draw(const float* logits, int64_t vocab, const int32_t* record, const int32_t* outputs, int64_t output_index,
                    float* weights) {
  const float temperature = word_f32(record, words::temperature);
  const float min_p = word_f32(record, words::min_p);
  const int64_t top_k = record[words::top_k];
  const float best = best_logit(logits, vocab);
  if (best == __builtin_inff() || has_nan(logits, vocab)) return -1;
  const bool greedy = !(temperature > 0) || top_k == 1 || word_f32(record, words::top_p) <= 0 ||
                      best == -__builtin_inff();
  if (greedy) return first_id_of(logits, vocab, best);

  const Vec shift = set(best), divisor = set(temperature);
  for_stretches(vocab, [&](int64_t i, int n) {
    const Vec weight = exp(div(sub(load_stretch(logits + i, n), shift), divisor));
    store_stretch(weights + i, max(weight, zero()), n);  // NaN becomes 0
  });
  if (min_p > 0) {
    for (int64_t i = 0; i < vocab; i++) weights[i] = weights[i] >= min_p ? weights[i] : 0.0f;
  }
  if (top_k > 0 && top_k < vocab) {
    apply_cut(find_cut(logits, nullptr, vocab, static_cast<double>(top_k)), logits, weights, vocab);
  }
  double mass = 0;
  for (int64_t i = 0; i < vocab; i++) mass += weights[i];
  const double top_p = decayed_top_p(record, outputs, output_index);
  if (top_p < 1) {
    apply_cut(find_cut(logits, weights, vocab, top_p * mass), logits, weights, vocab);
    mass = 0;
    for (int64_t i = 0; i < vocab; i++) mass += weights[i];
  }
  const double target = mass * philox_uniform(static_cast<uint32_t>(output_index),
                                              static_cast<uint32_t>(record[words::seed_low]),
                                              static_cast<uint32_t>(record[words::seed_high]));
  double running = 0;
  int64_t last = 0;
  for (int64_t i = 0; i < vocab; i++) {
    if (weights[i] == 0.0f) continue;
    running += weights[i];
    last = i;
    if (running > target) break;
  }
  return last;
}

static int64_t sample_workspace(const OpCall& call) {
  const auto o = SampleArgs::from(call);
  const int64_t rows = o.logits.shape[0];
  return (rows < kSampleParts ? rows : kSampleParts) * o.logits.shape[1] * 4;
}

static Status launch_sample(const OpCall& call, LaunchContext& context) {
  const auto o = SampleArgs::from(call);
  const int64_t rows = o.logits.shape[0], vocab = o.logits.shape[1];
  const int64_t parts = rows < kSampleParts ? rows : kSampleParts;
  context.pool->for_each(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      float* weights = static_cast<float*>(context.workspace) + part * vocab;
      for (int64_t row = part; row < rows; row += parts) {
        int32_t* token = o.token.as<int32_t>() + row;
        *token = -1;
        const int64_t slot = o.row_slot.as<int32_t>()[row];
        const int64_t position = o.row_position.as<int32_t>()[row];
        const int32_t* record = slot_row(o.sampling, slot);
        int32_t* tokens = slot_row(o.slot_tokens, slot);
        if (o.row_sample.as<int32_t>()[row] != row_task::sample || record == nullptr || tokens == nullptr) continue;
        const TensorRef& source = record[words::processes] != 0 ? o.processed : o.logits;
        const float* logits = source.as<float>() + row * source.stride[0];
        const int64_t prompt_length = record[words::prompt_length];
        const bool is_inside = prompt_length >= 0 && position >= 0 && position < o.slot_tokens.shape[1];
        const int32_t* outputs = is_inside ? tokens + prompt_length : nullptr;
        const int64_t id = draw(logits, vocab, record, outputs, position - prompt_length + 1, weights);
        *token = static_cast<int32_t>(id);
        if (position + 1 >= 0 && position + 1 < o.slot_tokens.shape[1]) tokens[position + 1] = id < 0 ? 0 : *token;
      }
    }
  });
  return Status();
}

TRTLLM_CPU_KERNEL(sample, "sample", launch_sample, sample_workspace)

}  // namespace ISA_NS
}  // namespace trtllm

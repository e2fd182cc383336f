#include <cstring>

#include "../../native/backend/cpu/logit-order.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/slot-state.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

// Rows go round-robin to this many parts, each with one row of token counts.
constexpr int64_t kPenalizeParts = 16;
constexpr uint32_t kSeen = 0x80000000u;  // the id occurs; the low bits count its occurrences in the output

struct PenalizedRow {
  float* logits;
  int64_t vocab;
  const int32_t* tokens;  // of the slot, prompt first
  int64_t num_tokens;
  const int32_t* record;
  const int32_t* lists;

  bool known(int64_t id) const { return id >= 0 && id < vocab; }
  void mask(int64_t id) {
    if (known(id)) logits[id] = -__builtin_inff();
  }
};

// `counts` is all zero before and after.
static void penalize_tokens(PenalizedRow& row, uint32_t* counts) {
  const float repetition = word_f32(row.record, words::repetition_penalty);
  const float frequency = word_f32(row.record, words::frequency_penalty);
  const float presence = word_f32(row.record, words::presence_penalty);
  const int64_t prompt_length = row.record[words::prompt_length];
  int64_t first = row.record[words::prompt_ignore_length];
  first = first < 0 ? 0 : first;
  for (int64_t p = first; p < row.num_tokens; p++) {
    const int64_t id = row.tokens[p];
    if (row.known(id)) counts[id] = (counts[id] | kSeen) + (p >= prompt_length ? 1u : 0u);
  }
  for (int64_t p = first; p < row.num_tokens; p++) {
    const int64_t id = row.tokens[p];
    if (!row.known(id) || counts[id] == 0) continue;
    const uint32_t outputs = counts[id] & ~kSeen;
    counts[id] = 0;
    float logit = row.logits[id];
    if (repetition != 1.0f) logit = logit > 0 ? logit / repetition : logit * repetition;
    if (outputs > 0) logit -= frequency * static_cast<float>(outputs) + presence;
    row.logits[id] = logit;
  }
}

static void apply_biases(PenalizedRow& row) {
  const int64_t count = row.record[words::num_biases];
  for (int64_t i = 0; i < count && i < list_capacity::biases; i++) {
    const int64_t id = row.lists[lists::bias_ids + i];
    if (row.known(id)) row.logits[id] += word_f32(row.lists, static_cast<int>(lists::bias_values + i));
  }
}

static void mask_repeated_ngrams(PenalizedRow& row) {
  const int64_t size = row.record[words::no_repeat_ngram_size];
  if (size < 1) return;
  const int64_t prefix = size - 1;
  const int32_t* tail = row.tokens + row.num_tokens - prefix;
  for (int64_t p = prefix; p < row.num_tokens; p++) {
    if (memcmp(row.tokens + p - prefix, tail, static_cast<size_t>(prefix) * 4) == 0) row.mask(row.tokens[p]);
  }
}

static void mask_bad_words(PenalizedRow& row) {
  int64_t used = row.record[words::num_bad_word_words];
  used = used < list_capacity::bad_words ? used : list_capacity::bad_words;
  const int32_t* list = row.lists + lists::bad_words;
  for (int64_t at = 0; at < used;) {
    const int64_t length = list[at];
    const int32_t* ids = list + at + 1;
    if (length < 1 || at + 1 + length > used) return;
    const int64_t prefix = length - 1;
    const bool matches = prefix <= row.num_tokens && memcmp(row.tokens + row.num_tokens - prefix, ids,
                                                            static_cast<size_t>(prefix) * 4) == 0;
    if (matches) row.mask(ids[prefix]);
    at += 1 + length;
  }
}

static void mask_end_ids(PenalizedRow& row) {
  const int64_t outputs = row.num_tokens - row.record[words::prompt_length];
  if (outputs >= row.record[words::min_tokens]) return;
  const int64_t count = row.record[words::num_end_ids];
  for (int64_t i = 0; i < count && i < list_capacity::end_ids; i++) row.mask(row.lists[lists::end_ids + i]);
}

static bool counts_tokens(const int32_t* record) {
  return word_f32(record, words::repetition_penalty) != 1.0f || word_f32(record, words::frequency_penalty) != 0.0f ||
         word_f32(record, words::presence_penalty) != 0.0f;
}

static int64_t penalize_workspace(const OpCall& call) {
  const auto o = PenalizeArgs::from(call);
  const int64_t rows = o.logits.shape[0];
  return (rows < kPenalizeParts ? rows : kPenalizeParts) * o.logits.shape[1] * 4;
}

static Status launch_penalize(const OpCall& call, LaunchContext& context) {
  const auto o = PenalizeArgs::from(call);
  const int64_t rows = o.logits.shape[0], vocab = o.logits.shape[1], length = o.slot_tokens.shape[1];
  const int64_t parts = rows < kPenalizeParts ? rows : kPenalizeParts;
  context.pool->for_each(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      uint32_t* counts = static_cast<uint32_t*>(context.workspace) + part * vocab;
      bool cleared = false;
      for (int64_t r = part; r < rows; r += parts) {
        const int32_t task = o.row_sample.as<int32_t>()[r];
        if (task != row_task::sample && task != row_task::candidates) continue;
        const int64_t slot = o.row_slot.as<int32_t>()[r];
        const int32_t* record = slot_row(o.sampling, slot);
        const int32_t* lists = slot_row(o.lists, slot);
        const int32_t* tokens = slot_row(o.slot_tokens, slot);
        if (record == nullptr || lists == nullptr || tokens == nullptr || record[words::processes] == 0) continue;
        float* out = o.processed.as<float>() + r * o.processed.stride[0];
        const float* in = o.logits.as<float>() + r * o.logits.stride[0];
        if (task == row_task::candidates) {
          const double normalizer = log_sum_exp(in, vocab);
          for (int64_t i = 0; i < vocab; i++) out[i] = logprob_of(in[i], normalizer);
        } else if (out != in) {
          memcpy(out, in, static_cast<size_t>(vocab) * 4);
        }
        int64_t num_tokens = static_cast<int64_t>(o.row_position.as<int32_t>()[r]) + 1;
        num_tokens = num_tokens < 0 ? 0 : num_tokens > length ? length : num_tokens;
        PenalizedRow row{out, vocab, tokens, num_tokens, record, lists};
        apply_biases(row);
        if (counts_tokens(record)) {
          if (!cleared) memset(counts, 0, static_cast<size_t>(vocab) * 4);
          cleared = true;
          penalize_tokens(row, counts);
        }
        mask_repeated_ngrams(row);
        mask_bad_words(row);
        mask_end_ids(row);
      }
    }
  });
  return Status();
}

TRTLLM_CPU_KERNEL(penalize, "penalize", launch_penalize, penalize_workspace)

}  // namespace ISA_NS
}  // namespace trtllm

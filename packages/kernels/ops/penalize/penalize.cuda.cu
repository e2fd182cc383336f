// processed = logits with biases, repetition, presence and frequency penalties, then repeated n-grams, bad words and early
// end ids masked, in that order (penalize.op.ts has the exact meaning). Rows that ask for nothing are passed over: plain
// rows cost one read of their record. One block of 1024 threads a row, grid stride. Workspace: counts [rows, vocab], of
// which only the entries of ids that occur are touched. `processed` may be `logits`. No sums but counts and the f64
// normalizer of candidates: bits do not depend on the order of threads, but for an id that is biased twice.
#include <sampling/logit-order.cuh>

#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"
#include "../../native/generated/sampling-words.h"

namespace trtllm::cuda {

constexpr uint32_t kSeen = 0x80000000u;  // the id occurs; the low bits count its occurrences in the output

struct PenalizeOperands {
  const float* logits;
  float* processed;
  const int32_t *row_slot, *row_position, *row_sample, *slot_tokens, *sampling, *lists;
  uint32_t* counts;
  int64_t rows, vocab, slots, length;
  int64_t logits_stride, processed_stride, tokens_stride, sampling_stride, lists_stride;
};

struct PenalizedRow {
  float* out;
  int64_t vocab;
  const int32_t* tokens;
  int64_t num_tokens;
  const int32_t* record;
  const int32_t* lists;

  __device__ bool knows(int64_t id) const { return id >= 0 && id < vocab; }
  __device__ float value(int word) const { return __int_as_float(record[word]); }
  __device__ void mask(int64_t id) const {
    if (knows(id)) out[id] = -__builtin_inff();
  }
};

__device__ void copy_row(const float* logits, float* out, int64_t vocab, bool as_log_probabilities) {
  if (as_log_probabilities) {
    const double normalizer = log_sum_exp(logits, vocab);
    for (int64_t i = threadIdx.x; i < vocab; i += blockDim.x) out[i] = logprob_of(logits[i], normalizer);
  } else if (out != logits) {
    for (int64_t i = threadIdx.x; i < vocab; i += blockDim.x) out[i] = logits[i];
  }
}

__device__ void apply_biases(const PenalizedRow& row) {
  const int32_t biases = row.record[words::num_biases];
  for (int32_t i = threadIdx.x; i < biases && i < list_capacity::biases; i += blockDim.x) {
    const int64_t id = row.lists[lists::bias_ids + i];
    if (row.knows(id)) atomicAdd(&row.out[id], __int_as_float(row.lists[lists::bias_values + i]));
  }
}

__device__ void penalize_tokens(const PenalizedRow& row, uint32_t* counts) {
  const float repetition = row.value(words::repetition_penalty), frequency = row.value(words::frequency_penalty);
  const float presence = row.value(words::presence_penalty);
  const int64_t prompt_length = row.record[words::prompt_length];
  if (repetition == 1.0f && frequency == 0.0f && presence == 0.0f) return;  // the same in every thread
  const int64_t ignored = row.record[words::prompt_ignore_length];
  const int64_t first = (ignored < 0 ? 0 : ignored) + threadIdx.x;
  for (int64_t p = first; p < row.num_tokens; p += blockDim.x) {
    if (row.knows(row.tokens[p])) counts[row.tokens[p]] = 0;
  }
  __syncthreads();
  for (int64_t p = first; p < row.num_tokens; p += blockDim.x) {
    if (!row.knows(row.tokens[p])) continue;
    atomicOr(&counts[row.tokens[p]], kSeen);
    if (p >= prompt_length) atomicAdd(&counts[row.tokens[p]], 1u);
  }
  __syncthreads();
  for (int64_t p = first; p < row.num_tokens; p += blockDim.x) {
    const int64_t id = row.tokens[p];
    if (!row.knows(id)) continue;
    const uint32_t seen = atomicExch(&counts[id], 0u);
    if (seen == 0) continue;  // another occurrence has it
    const uint32_t outputs = seen & ~kSeen;
    float logit = row.out[id];
    if (repetition != 1.0f) logit = logit > 0 ? logit / repetition : logit * repetition;
    if (outputs > 0) logit -= __fadd_rn(__fmul_rn(frequency, static_cast<float>(outputs)), presence);
    row.out[id] = logit;
  }
}

__device__ bool ends_with(const int32_t* at, const int32_t* ids, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    if (at[i] != ids[i]) return false;
  }
  return true;
}

// A thread an occurrence: each position whose ids before it are those at the end.
__device__ void mask_repeated_ngrams(const PenalizedRow& row) {
  const int64_t size = row.record[words::no_repeat_ngram_size];
  if (size < 1) return;
  const int64_t prefix = size - 1;
  const int32_t* tail = row.tokens + row.num_tokens - prefix;
  for (int64_t p = prefix + threadIdx.x; p < row.num_tokens; p += blockDim.x) {
    if (ends_with(row.tokens + p - prefix, tail, prefix)) row.mask(row.tokens[p]);
  }
}

__device__ void mask_bad_words(const PenalizedRow& row) {
  const int32_t* list = row.lists + lists::bad_words;
  const int32_t asked = row.record[words::num_bad_word_words];
  const int32_t used = asked < list_capacity::bad_words ? asked : list_capacity::bad_words;
  for (int32_t at = 0; at < used;) {
    const int32_t length = list[at];
    if (length < 1 || length > used - at - 1) return;
    const int32_t prefix = length - 1;
    if (prefix <= row.num_tokens && ends_with(row.tokens + row.num_tokens - prefix, list + at + 1, prefix)) {
      row.mask(list[at + length]);
    }
    at += 1 + length;
  }
}

__device__ void mask_end_ids(const PenalizedRow& row) {
  if (row.num_tokens - row.record[words::prompt_length] >= row.record[words::min_tokens]) return;
  const int32_t ends = row.record[words::num_end_ids];
  for (int32_t i = threadIdx.x; i < ends && i < list_capacity::end_ids; i += blockDim.x) {
    row.mask(row.lists[lists::end_ids + i]);
  }
}

__global__ void __launch_bounds__(kSelectThreads) penalize_kernel(PenalizeOperands o) {
  for (int64_t r = blockIdx.x; r < o.rows; r += gridDim.x) {
    const int64_t slot = o.row_slot[r];
    const int32_t task = o.row_sample[r];
    if ((task != row_task::sample && task != row_task::candidates) || slot < 0 || slot >= o.slots) continue;
    const int32_t* record = o.sampling + slot * o.sampling_stride;
    if (record[words::processes] == 0) continue;  // all of these are the same in every thread
    int64_t num_tokens = static_cast<int64_t>(o.row_position[r]) + 1;
    num_tokens = num_tokens < 0 ? 0 : num_tokens > o.length ? o.length : num_tokens;
    const PenalizedRow row{o.processed + r * o.processed_stride, o.vocab, o.slot_tokens + slot * o.tokens_stride,
                           num_tokens, record, o.lists + slot * o.lists_stride};
    copy_row(o.logits + r * o.logits_stride, row.out, o.vocab, task == row_task::candidates);
    __syncthreads();
    apply_biases(row);
    __syncthreads();
    penalize_tokens(row, o.counts + r * o.vocab);
    __syncthreads();
    mask_repeated_ngrams(row);
    if (threadIdx.x == 0) mask_bad_words(row);
    mask_end_ids(row);
  }
}

static int64_t penalize_workspace(const OpCall& call) {
  const auto o = PenalizeArgs::from(call);
  return o.logits.shape[0] * o.logits.shape[1] * 4;
}

static Status launch_penalize(const OpCall& call, LaunchContext& context) {
  const auto o = PenalizeArgs::from(call);
  const int64_t rows = o.logits.shape[0], vocab = o.logits.shape[1];
  if (rows == 0) return Status();
  if (context.workspace_bytes < rows * vocab * 4) {
    return Status::error(Code::internal, "penalize: %lld bytes of workspace; expected %lld",
                         static_cast<long long>(context.workspace_bytes), static_cast<long long>(rows * vocab * 4));
  }
  int64_t slots = o.sampling.shape[0];
  slots = slots < o.lists.shape[0] ? slots : o.lists.shape[0];
  slots = slots < o.slot_tokens.shape[0] ? slots : o.slot_tokens.shape[0];
  const PenalizeOperands operands{o.logits.as<float>(),
                                  o.processed.as<float>(),
                                  o.row_slot.as<int32_t>(),
                                  o.row_position.as<int32_t>(),
                                  o.row_sample.as<int32_t>(),
                                  o.slot_tokens.as<int32_t>(),
                                  o.sampling.as<int32_t>(),
                                  o.lists.as<int32_t>(),
                                  static_cast<uint32_t*>(context.workspace),
                                  rows,
                                  vocab,
                                  slots,
                                  o.slot_tokens.shape[1],
                                  o.logits.stride[0],
                                  o.processed.stride[0],
                                  o.slot_tokens.stride[0],
                                  o.sampling.stride[0],
                                  o.lists.stride[0]};
  penalize_kernel<<<grid_of(rows), kSelectThreads, 0, stream_of(context)>>>(operands);
  return launched("penalize");
}

TRTLLM_CUDA_KERNELS(penalize, {"penalize", "penalize.cuda", 0, nullptr, penalize_workspace, launch_penalize, RowBits::fixed})

}  // namespace trtllm::cuda

// chosen = logit[id] - log(sum(exp(logit))), rank = 1 + ids with a greater logit, and the best min(k, 20, vocab) ids, where
// id is what the row sampled or its target; or a list of candidates alone (logprobs.op.ts has the exact meaning). One block of 1024 threads a row, grid stride. Shared memory: SelectMemory (26 KB) and 20 candidates.
// Numerics: the sum in f64; candidates are found by a radix cut and put in order by thread 0.
#include <sampling/logit-order.cuh>

#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"
#include "../../native/generated/sampling-words.h"

namespace trtllm::cuda {

struct LogprobsOperands {
  const float *logits, *processed;
  const int32_t *token, *row_slot, *row_sample, *row_target, *sampling;
  float* chosen;
  int32_t *rank, *top_ids;
  float* top_logprobs;
  int64_t rows, vocab, slots, logits_stride, processed_stride, sampling_stride, ids_stride, values_stride;
};

// What a row is asked for: the id to tell of (-1: none) and how many candidates (-1: nothing at all).
struct Question {
  int64_t id;
  int wanted;
  bool is_processed;  // the values are log probabilities already
};

__device__ Question question_of(const LogprobsOperands& o, int64_t row) {
  const int64_t slot = o.row_slot[row];
  Question q{-1, -1, false};
  if (slot < 0 || slot >= o.slots) return q;
  const int32_t* record = o.sampling + slot * o.sampling_stride;
  switch (o.row_sample[row]) {
    case row_task::sample:
      q = {o.token[row], record[words::num_logprobs], false};
      break;
    case row_task::score:
      q = {o.row_target[row], record[words::num_prompt_logprobs], false};
      break;
    case row_task::candidates:
      return {-1, record[words::num_candidates], record[words::processes] != 0};
  }
  if (q.id < 0 || q.id >= o.vocab) q.wanted = -1;
  return q;
}

__global__ void __launch_bounds__(kSelectThreads) logprobs_kernel(LogprobsOperands o) {
  __shared__ SelectMemory shared;
  __shared__ int32_t found[kMaxLogprobs];
  __shared__ int num_found;
  for (int64_t row = blockIdx.x; row < o.rows; row += gridDim.x) {
    const Question q = question_of(o, row);  // the same in every thread
    if (threadIdx.x < kMaxLogprobs) {
      o.top_ids[row * o.ids_stride + threadIdx.x] = -1;
      o.top_logprobs[row * o.values_stride + threadIdx.x] = 0;
    }
    if (threadIdx.x == 0) {
      o.chosen[row] = 0;
      o.rank[row] = 0;
      num_found = 0;
    }
    if (q.wanted < 0) continue;
    const float* logits =
        q.is_processed ? o.processed + row * o.processed_stride : o.logits + row * o.logits_stride;
    const double normalizer = q.is_processed ? 0.0 : log_sum_exp(logits, o.vocab);
    if (q.id >= 0) {
      const uint32_t own = order_key(logits[q.id]);
      int better = 0;
      for (int64_t i = threadIdx.x; i < o.vocab; i += kSelectThreads) better += order_key(logits[i]) > own ? 1 : 0;
      better = block_reduce(better, Sum());
      if (threadIdx.x == 0) {
        o.chosen[row] = logprob_of(logits[q.id], normalizer);
        o.rank[row] = better + 1;
      }
    }
    int64_t wanted = q.wanted < kMaxLogprobs ? q.wanted : kMaxLogprobs;
    wanted = wanted < o.vocab ? wanted : o.vocab;
    if (wanted == 0) continue;
    const Cut cut = find_cut(shared, logits, o.vocab, static_cast<double>(wanted), [](int64_t) -> Mass { return 1; });
    const Kept kept = kept_by(shared, logits, o.vocab, cut);  // its barriers also publish num_found and the -1 fill
    for (int64_t i = threadIdx.x; i < o.vocab; i += kSelectThreads) {
      if (!kept.has(order_key(logits[i]), i)) continue;
      const int at = atomicAdd(&num_found, 1);
      if (at < kMaxLogprobs) found[at] = static_cast<int32_t>(i);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      const int count = num_found < kMaxLogprobs ? num_found : kMaxLogprobs;
      for (int i = 1; i < count; i++) {  // insertion sort: best first, equal logits by id
        const int32_t id = found[i];
        const uint32_t key = order_key(logits[id]);
        int j = i;
        for (; j > 0; j--) {
          const uint32_t other = order_key(logits[found[j - 1]]);
          if (other > key || (other == key && found[j - 1] < id)) break;
          found[j] = found[j - 1];
        }
        found[j] = id;
      }
      for (int i = 0; i < count; i++) {
        o.top_ids[row * o.ids_stride + i] = found[i];
        o.top_logprobs[row * o.values_stride + i] = logprob_of(logits[found[i]], normalizer);
      }
    }
    __syncthreads();
  }
}

static Status launch_logprobs(const OpCall& call, LaunchContext& context) {
  const auto o = LogprobsArgs::from(call);
  const int64_t rows = o.logits.shape[0];
  if (rows == 0) return Status();
  const LogprobsOperands operands{o.logits.as<float>(),
                                  o.processed.as<float>(),
                                  o.token.as<int32_t>(),
                                  o.row_slot.as<int32_t>(),
                                  o.row_sample.as<int32_t>(),
                                  o.row_target.as<int32_t>(),
                                  o.sampling.as<int32_t>(),
                                  o.chosen.as<float>(),
                                  o.rank.as<int32_t>(),
                                  o.top_ids.as<int32_t>(),
                                  o.top_logprobs.as<float>(),
                                  rows,
                                  o.logits.shape[1],
                                  o.sampling.shape[0],
                                  o.logits.stride[0],
                                  o.processed.stride[0],
                                  o.sampling.stride[0],
                                  o.top_ids.stride[0],
                                  o.top_logprobs.stride[0]};
  logprobs_kernel<<<grid_of(rows), kSelectThreads, 0, stream_of(context)>>>(operands);
  return launched("logprobs");
}

TRTLLM_CUDA_KERNELS(logprobs, {"logprobs", "logprobs.cuda", 0, nullptr, nullptr, launch_logprobs, RowBits::fixed})

}  // namespace trtllm::cuda

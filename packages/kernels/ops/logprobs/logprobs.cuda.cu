// chosen = logit[token] - log(sum(exp(logit))), rank = 1 + ids with a greater logit, and the best min(k, 20, vocab) ids.
// One block of 1024 threads a row, grid stride. Shared memory: SelectMemory (26 KB) and 20 candidates.
// Numerics: the sum in f64; candidates are found by a radix cut and put in order by thread 0.
#include <sampling/logit-order.cuh>

#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"
#include "../../native/generated/sampling-words.h"

namespace trtllm::cuda {

struct LogprobsOperands {
  const float* logits;
  const int32_t *token, *row_slot, *sampling;
  float* chosen;
  int32_t *rank, *top_ids;
  float* top_logprobs;
  int64_t rows, vocab, slots, logits_stride, sampling_stride, ids_stride, values_stride;
};

// As native: an infinite normalizer leaves certainty for its own logit and none for the others.
__device__ float logprob_of(float logit, double normalizer) {
  if (!(logit > -__builtin_inff())) return -__builtin_inff();
  if (normalizer - normalizer != 0) return logit == normalizer ? 0.0f : -__builtin_inff();
  return static_cast<float>(logit - normalizer);
}

__device__ double log_sum_exp(const float* logits, int64_t vocab) {
  const float best = find_best(logits, vocab).logit;
  if (best - best != 0) return best;
  double total = 0;
  for (int64_t i = threadIdx.x; i < vocab; i += kSelectThreads) {
    const float logit = logits[i];
    if (logit == logit) total += static_cast<double>(expf(logit - best));
  }
  return best + log(block_reduce(total, Sum()));
}

__global__ void __launch_bounds__(kSelectThreads) logprobs_kernel(LogprobsOperands o) {
  __shared__ SelectMemory shared;
  __shared__ int32_t found[kMaxLogprobs];
  __shared__ int num_found;
  for (int64_t row = blockIdx.x; row < o.rows; row += gridDim.x) {
    const float* logits = o.logits + row * o.logits_stride;
    const int64_t slot = o.row_slot[row], token = o.token[row];
    const int asked = slot >= 0 && slot < o.slots ? o.sampling[slot * o.sampling_stride + words::num_logprobs] : -1;
    const bool active = asked >= 0 && token >= 0 && token < o.vocab;  // the same in every thread
    if (threadIdx.x < kMaxLogprobs) {
      o.top_ids[row * o.ids_stride + threadIdx.x] = -1;
      o.top_logprobs[row * o.values_stride + threadIdx.x] = 0;
    }
    if (!active) {
      if (threadIdx.x == 0) {
        o.chosen[row] = 0;
        o.rank[row] = 0;
      }
      continue;
    }
    const double normalizer = log_sum_exp(logits, o.vocab);
    const uint32_t own = order_key(logits[token]);
    int better = 0;
    for (int64_t i = threadIdx.x; i < o.vocab; i += kSelectThreads) better += order_key(logits[i]) > own ? 1 : 0;
    better = block_reduce(better, Sum());
    if (threadIdx.x == 0) {
      o.chosen[row] = logprob_of(logits[token], normalizer);
      o.rank[row] = better + 1;
      num_found = 0;
    }
    int64_t wanted = asked < kMaxLogprobs ? asked : kMaxLogprobs;
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
  const LogprobsOperands operands{o.logits.as<float>(),   o.token.as<int32_t>(),   o.row_slot.as<int32_t>(),
                                  o.sampling.as<int32_t>(), o.chosen.as<float>(),  o.rank.as<int32_t>(),
                                  o.top_ids.as<int32_t>(), o.top_logprobs.as<float>(), rows,
                                  o.logits.shape[1],      o.sampling.shape[0],     o.logits.stride[0],
                                  o.sampling.stride[0],   o.top_ids.stride[0],     o.top_logprobs.stride[0]};
  logprobs_kernel<<<grid_of(rows), kSelectThreads, 0, stream_of(context)>>>(operands);
  return launched("logprobs");
}

TRTLLM_CUDA_KERNELS(logprobs, {"logprobs", "logprobs.cuda", 0, nullptr, nullptr, launch_logprobs, RowBits::fixed})

}  // namespace trtllm::cuda

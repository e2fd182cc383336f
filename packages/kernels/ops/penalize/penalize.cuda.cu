// processed = logits with repetition, presence and frequency penalties, then biases, bad words and early end ids masked,
// in that order. A copy first, where they are two; then one block of 512 threads a row, grid stride. Workspace: counts [rows, vocab], of which only the entries of
// ids that occur are touched. `processed` may be `logits`. No sums but counts: bits do not depend on the order of threads,
// but for an id that is biased twice.
#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"
#include "../../native/generated/sampling-words.h"

namespace trtllm::cuda {

constexpr uint32_t kSeen = 0x80000000u;  // the id occurs; the low bits count its occurrences in the output

struct PenalizeOperands {
  float* processed;
  const int32_t *row_slot, *row_position, *slot_tokens, *sampling, *lists;
  uint32_t* counts;
  int64_t rows, vocab, slots, length;
  int64_t processed_stride, tokens_stride, sampling_stride, lists_stride;
};

__device__ void penalize_tokens(float* out, int64_t vocab, const int32_t* tokens, int64_t num_tokens,
                                const int32_t* record, uint32_t* counts) {
  const float repetition = __int_as_float(record[words::repetition_penalty]);
  const float frequency = __int_as_float(record[words::frequency_penalty]);
  const float presence = __int_as_float(record[words::presence_penalty]);
  const int64_t prompt_length = record[words::prompt_length];
  if (repetition == 1.0f && frequency == 0.0f && presence == 0.0f) return;  // the same in every thread
  const auto known = [&](int64_t id) { return id >= 0 && id < vocab; };
  for (int64_t p = threadIdx.x; p < num_tokens; p += blockDim.x) {
    if (known(tokens[p])) counts[tokens[p]] = 0;
  }
  __syncthreads();
  for (int64_t p = threadIdx.x; p < num_tokens; p += blockDim.x) {
    if (!known(tokens[p])) continue;
    atomicOr(&counts[tokens[p]], kSeen);
    if (p >= prompt_length) atomicAdd(&counts[tokens[p]], 1u);
  }
  __syncthreads();
  for (int64_t p = threadIdx.x; p < num_tokens; p += blockDim.x) {
    const int64_t id = tokens[p];
    if (!known(id)) continue;
    const uint32_t seen = atomicExch(&counts[id], 0u);
    if (seen == 0) continue;  // another occurrence has it
    const uint32_t outputs = seen & ~kSeen;
    float logit = out[id];
    if (repetition != 1.0f) logit = logit > 0 ? logit / repetition : logit * repetition;
    if (outputs > 0) logit -= __fadd_rn(__fmul_rn(frequency, static_cast<float>(outputs)), presence);
    out[id] = logit;
  }
}

__device__ void mask_bad_words(float* out, int64_t vocab, const int32_t* tokens, int64_t num_tokens,
                               const int32_t* record, const int32_t* list) {
  const int32_t asked = record[words::num_bad_word_words];
  const int32_t used = asked < list_capacity::bad_words ? asked : list_capacity::bad_words;
  for (int32_t at = 0; at < used;) {
    const int32_t length = list[at];
    if (length < 1 || length > used - at - 1) return;
    const int32_t prefix = length - 1;
    bool matches = prefix <= num_tokens;
    for (int32_t i = 0; matches && i < prefix; i++) matches = tokens[num_tokens - prefix + i] == list[at + 1 + i];
    const int64_t id = list[at + length];
    if (matches && id >= 0 && id < vocab) out[id] = -__builtin_inff();
    at += 1 + length;
  }
}

__global__ void __launch_bounds__(512) penalize_kernel(PenalizeOperands o) {
  for (int64_t row = blockIdx.x; row < o.rows; row += gridDim.x) {
    float* out = o.processed + row * o.processed_stride;
    const int64_t slot = o.row_slot[row];
    if (slot < 0 || slot >= o.slots) continue;  // the same in every thread
    const int32_t* record = o.sampling + slot * o.sampling_stride;
    const int32_t* list = o.lists + slot * o.lists_stride;
    const int32_t* tokens = o.slot_tokens + slot * o.tokens_stride;
    int64_t num_tokens = static_cast<int64_t>(o.row_position[row]) + 1;
    num_tokens = num_tokens < 0 ? 0 : num_tokens > o.length ? o.length : num_tokens;
    __syncthreads();
    penalize_tokens(out, o.vocab, tokens, num_tokens, record, o.counts + row * o.vocab);
    __syncthreads();
    const int32_t biases = record[words::num_biases];
    for (int32_t i = threadIdx.x; i < biases && i < list_capacity::biases; i += blockDim.x) {
      const int64_t id = list[lists::bias_ids + i];
      if (id >= 0 && id < o.vocab) atomicAdd(&out[id], __int_as_float(list[lists::bias_values + i]));
    }
    __syncthreads();
    if (threadIdx.x == 0) mask_bad_words(out, o.vocab, tokens, num_tokens, record, list + lists::bad_words);
    if (num_tokens - record[words::prompt_length] < record[words::min_tokens]) {
      const int32_t ends = record[words::num_end_ids];
      for (int32_t i = threadIdx.x; i < ends && i < list_capacity::end_ids; i += blockDim.x) {
        const int64_t id = list[lists::end_ids + i];
        if (id >= 0 && id < o.vocab) out[id] = -__builtin_inff();
      }
    }
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
  if (o.processed.data != o.logits.data) {
    const cudaError_t copied = cudaMemcpy2DAsync(o.processed.data, static_cast<size_t>(o.processed.stride[0]) * 4, o.logits.data,
                                                 static_cast<size_t>(o.logits.stride[0]) * 4, static_cast<size_t>(vocab) * 4,
                                                 static_cast<size_t>(rows), cudaMemcpyDeviceToDevice, stream_of(context));
    if (copied != cudaSuccess) return launched("penalize");
  }
  const PenalizeOperands operands{o.processed.as<float>(),     o.row_slot.as<int32_t>(),
                                  o.row_position.as<int32_t>(), o.slot_tokens.as<int32_t>(), o.sampling.as<int32_t>(),
                                  o.lists.as<int32_t>(),       static_cast<uint32_t*>(context.workspace),
                                  rows,                        vocab,                       slots,
                                  o.slot_tokens.shape[1],      o.processed.stride[0],
                                  o.slot_tokens.stride[0],     o.sampling.stride[0],        o.lists.stride[0]};
  penalize_kernel<<<grid_of(rows), 512, 0, stream_of(context)>>>(operands);
  return launched("penalize");
}

TRTLLM_CUDA_KERNELS(penalize, {"penalize", "penalize.cuda", 0, nullptr, penalize_workspace, launch_penalize, RowBits::fixed})

}  // namespace trtllm::cuda

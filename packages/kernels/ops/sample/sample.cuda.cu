// Draws one id a row: greedy, else softmax((logit - best) / temperature) cut by min_p, top_k, top_p and inverted in id
// order at one Philox uniform (sample.op.ts has the exact meaning). Rows that penalize passed over are read from the
// model's own logits. One block of 1024 threads a row, grid stride.
// Shared memory: SelectMemory (26 KB). Numerics: weights in f32 expf, masses as integers of 2^-40: order-free sums.
#include <sampling/logit-order.cuh>
#include <trtllm/philox.cuh>

#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"
#include "../../native/generated/sampling-words.h"

namespace trtllm::cuda {

struct SampleOperands {
  const float *logits, *processed;
  const int32_t *row_slot, *row_position, *row_sample, *sampling;
  int32_t *slot_tokens, *token;
  int64_t rows, vocab, slots, length, logits_stride, processed_stride, sampling_stride, tokens_stride;
};

// top_p for the output `index`, of which those before it are `outputs` (null where it cannot be read).
__device__ __noinline__ double decayed_top_p(const int32_t* record, const int32_t* outputs, int64_t index) {
  const double decay = __int_as_float(record[words::top_p_decay]), least = __int_as_float(record[words::top_p_min]);
  const int32_t reset = record[words::top_p_reset_id];
  double top_p = __int_as_float(record[words::top_p]);
  if (!(decay < 1) || outputs == nullptr) return top_p;
  for (int64_t i = index - 1; i >= 0 && outputs[i] != reset; i--) {
    top_p = __dmul_rn(top_p, decay);
    if (top_p <= least) return least;
  }
  return top_p;
}

// The drawn id, or -1 where the logits are no numbers to choose by; the same in every thread.
__device__ int64_t draw(SelectMemory& shared, const float* logits, int64_t vocab, const int32_t* record,
                        const int32_t* outputs, int64_t output_index) {
  const float temperature = __int_as_float(record[words::temperature]);
  const float min_p = __int_as_float(record[words::min_p]);
  const int64_t top_k = record[words::top_k];
  const Best best = find_best(logits, vocab);
  if (best.has_nan || best.logit == __builtin_inff()) return -1;
  const bool greedy = !(temperature > 0) || top_k == 1 || __int_as_float(record[words::top_p]) <= 0;
  if (greedy || best.logit == -__builtin_inff()) return best.id;

  Kept by_count, by_mass;
  const auto mass_of = [&](int64_t i) -> Mass {
    const float logit = logits[i];
    const uint32_t key = order_key(logit);
    const float weight = expf((logit - best.logit) / temperature);
    const bool kept = weight >= min_p && by_count.has(key, i) && by_mass.has(key, i);  // false for NaN
    return kept ? static_cast<Mass>(__double2ll_rn(static_cast<double>(weight) * kMassUnit)) : 0;
  };
  const auto total_mass = [&] {
    Mass mass = 0;
    for (int64_t i = threadIdx.x; i < vocab; i += kSelectThreads) mass += mass_of(i);
    return block_reduce(mass, Sum());
  };
  if (top_k > 0 && top_k < vocab) {
    const Cut cut = find_cut(shared, logits, vocab, static_cast<double>(top_k), [](int64_t) -> Mass { return 1; });
    by_count = kept_by(shared, logits, vocab, cut);
  }
  Mass mass = total_mass();
  const double top_p = decayed_top_p(record, outputs, output_index);
  if (top_p < 1) {
    const Cut cut = find_cut(shared, logits, vocab, top_p * static_cast<double>(mass), mass_of);
    by_mass = kept_by(shared, logits, vocab, cut);
    mass = total_mass();
  }
  const double target = static_cast<double>(mass) * philox_uniform(static_cast<uint32_t>(output_index),
                                                                   static_cast<uint32_t>(record[words::seed_low]),
                                                                   static_cast<uint32_t>(record[words::seed_high]));
  // u < 1 leaves target below mass: the best id alone weighs 2^40, so there always is a crossing.
  const int64_t id = find_crossing(shared, vocab, static_cast<Mass>(target), mass_of);
  return id < 0 ? best.id : id;
}

__global__ void __launch_bounds__(kSelectThreads) sample_kernel(SampleOperands o) {
  __shared__ SelectMemory shared;
  for (int64_t row = blockIdx.x; row < o.rows; row += gridDim.x) {
    const int64_t slot = o.row_slot[row], position = o.row_position[row];
    if (o.row_sample[row] != row_task::sample || slot < 0 || slot >= o.slots) {  // the same in every thread
      if (threadIdx.x == 0) o.token[row] = -1;
      continue;
    }
    const int32_t* record = o.sampling + slot * o.sampling_stride;
    const float* logits = record[words::processes] != 0 ? o.processed + row * o.processed_stride
                                                        : o.logits + row * o.logits_stride;
    const int64_t prompt_length = record[words::prompt_length];
    const bool is_inside = prompt_length >= 0 && position >= 0 && position < o.length;
    const int32_t* outputs = is_inside ? o.slot_tokens + slot * o.tokens_stride + prompt_length : nullptr;
    const int64_t id = draw(shared, logits, o.vocab, record, outputs, position - prompt_length + 1);
    if (threadIdx.x == 0) {
      o.token[row] = static_cast<int32_t>(id);
      if (position + 1 >= 0 && position + 1 < o.length) {
        o.slot_tokens[slot * o.tokens_stride + position + 1] = id < 0 ? 0 : static_cast<int32_t>(id);
      }
    }
  }
}

static Status launch_sample(const OpCall& call, LaunchContext& context) {
  const auto o = SampleArgs::from(call);
  const int64_t rows = o.logits.shape[0];
  if (rows == 0) return Status();
  const SampleOperands operands{o.logits.as<float>(),
                                o.processed.as<float>(),
                                o.row_slot.as<int32_t>(),
                                o.row_position.as<int32_t>(),
                                o.row_sample.as<int32_t>(),
                                o.sampling.as<int32_t>(),
                                o.slot_tokens.as<int32_t>(),
                                o.token.as<int32_t>(),
                                rows,
                                o.logits.shape[1],
                                o.sampling.shape[0] < o.slot_tokens.shape[0] ? o.sampling.shape[0] : o.slot_tokens.shape[0],
                                o.slot_tokens.shape[1],
                                o.logits.stride[0],
                                o.processed.stride[0],
                                o.sampling.stride[0],
                                o.slot_tokens.stride[0]};
  sample_kernel<<<grid_of(rows), kSelectThreads, 0, stream_of(context)>>>(operands);
  return launched("sample");
}

TRTLLM_CUDA_KERNELS(sample, {"sample", "sample.cuda", 0, nullptr, nullptr, launch_sample, RowBits::fixed})

}  // namespace trtllm::cuda

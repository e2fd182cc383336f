// Written by scripts/generate.mjs (pnpm gen); do not edit.
#pragma once

// X(ident, name) for every op.
#define TRTLLM_OPS(X) \
  X(add, "add") \
  X(add_rms_norm, "add-rms-norm") \
  X(all_gather, "all-gather") \
  X(all_reduce, "all-reduce") \
  X(apply_deltas, "apply-deltas") \
  X(embed, "embed") \
  X(gather_rows, "gather-rows") \
  X(gather_tokens, "gather-tokens") \
  X(kv_write, "kv-write") \
  X(linear, "linear") \
  X(logprobs, "logprobs") \
  X(mul, "mul") \
  X(paged_attention, "paged-attention") \
  X(penalize, "penalize") \
  X(rms_norm, "rms-norm") \
  X(rope, "rope") \
  X(rope_kv_write, "rope-kv-write") \
  X(sample, "sample") \
  X(silu, "silu") \
  X(silu_mul, "silu-mul")

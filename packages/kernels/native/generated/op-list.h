// Written by scripts/generate.mjs (pnpm gen); do not edit.
#pragma once

// X(ident, name) for every op.
#define TRTLLM_OPS(X) \
  X(add, "add") \
  X(add_rms_norm, "add-rms-norm") \
  X(add_rms_norm_linear_f8, "add-rms-norm-linear-f8") \
  X(all_gather, "all-gather") \
  X(all_reduce, "all-reduce") \
  X(apply_deltas, "apply-deltas") \
  X(clamped_silu_mul, "clamped-silu-mul") \
  X(combine_experts, "combine-experts") \
  X(copy_pages, "copy-pages") \
  X(embed, "embed") \
  X(expert_linear, "expert-linear") \
  X(gather_rows, "gather-rows") \
  X(gather_tokens, "gather-tokens") \
  X(gelu_tanh, "gelu-tanh") \
  X(gelu_tanh_mul, "gelu-tanh-mul") \
  X(head_layer_norm, "head-layer-norm") \
  X(head_rms_norm, "head-rms-norm") \
  X(kv_write, "kv-write") \
  X(latent_attention, "latent-attention") \
  X(latent_write, "latent-write") \
  X(layer_norm, "layer-norm") \
  X(linear, "linear") \
  X(linear_f8, "linear-f8") \
  X(linear_f8_blocks, "linear-f8-blocks") \
  X(linear_i8, "linear-i8") \
  X(logprobs, "logprobs") \
  X(mul, "mul") \
  X(norm_rope_kv_write, "norm-rope-kv-write") \
  X(norm_rope_latent_write, "norm-rope-latent-write") \
  X(paged_attention, "paged-attention") \
  X(penalize, "penalize") \
  X(position_temperature, "position-temperature") \
  X(rms_norm, "rms-norm") \
  X(rms_norm_add, "rms-norm-add") \
  X(rms_norm_add_rms_norm, "rms-norm-add-rms-norm") \
  X(rope, "rope") \
  X(rope_kv_write, "rope-kv-write") \
  X(route, "route") \
  X(sample, "sample") \
  X(scale, "scale") \
  X(scale_rows, "scale-rows") \
  X(sigmoid, "sigmoid") \
  X(silu, "silu") \
  X(silu_mul, "silu-mul") \
  X(silu_mul_linear_f8, "silu-mul-linear-f8") \
  X(softcap, "softcap")

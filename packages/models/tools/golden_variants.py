"""The tiny models of make-golden.py: for each family the keys they share, and what each variant changes (... drops a key)."""

sizes = dict(
    vocab_size=256, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=0, eos_token_id=1, tie_word_embeddings=False, torch_dtype="float32",
)


def shape(architecture, model_type, **keys):
    return dict(architectures=[architecture], model_type=model_type, **{**sizes, **keys})


sliding, full = "sliding_attention", "full_attention"
mistral = dict(architectures=["MistralForCausalLM"], model_type="mistral")
yarn = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)
llama3 = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
factors = lambda count: dict(short_factor=[1.0 + 0.05 * i for i in range(count)], long_factor=[1.0 + 0.5 * i for i in range(count)])

# Weights of linears kept as f8 and scales, as three tools write them.
modelopt = dict(quant_method="modelopt", quant_algo="FP8", kv_cache_quant_algo="FP8", exclude_modules=["lm_head"])
f8_weights = dict(num_bits=8, type="float", symmetric=True, dynamic=False, strategy="channel")
compressed = dict(quant_method="compressed-tensors", format="float-quantized", config_groups=dict(group_0=dict(targets=["Linear"], weights=f8_weights)), ignore=["lm_head", "re:.*layers\\.1\\.mlp\\.down_proj"])
blocks = dict(quant_method="fp8", fmt="e4m3", activation_scheme="dynamic", weight_block_size=[128, 128])

llama = {
    "gqa": {},
    "fp8-modelopt": dict(quantization_config=modelopt),
    "fp8-channel": dict(attention_bias=True, quantization_config=compressed),
    "fp8-blocks": dict(quantization_config=blocks),
    "mha": dict(num_key_value_heads=4),
    "mqa": dict(num_key_value_heads=1),
    "attention-bias": dict(attention_bias=True),
    "mlp-bias": dict(mlp_bias=True),
    "head-dim": dict(head_dim=32),
    "tied-head": dict(tie_word_embeddings=True),
    "sliding-window": dict(mistral, sliding_window=24),
    "no-window": dict(mistral, sliding_window=None),
    "rope-linear": dict(rope_scaling=dict(type="linear", factor=4.0)),
    "rope-dynamic": dict(max_position_embeddings=32, rope_scaling=dict(type="dynamic", factor=4.0)),
    "rope-llama3": dict(rope_theta=500000.0, rope_scaling=llama3),
    "rope-yarn": dict(rope_scaling=yarn),
    "rope-yarn-mscale": dict(rope_theta=..., rope_parameters=dict(rope_type="yarn", rope_theta=50000.0, factor=4.0, original_max_position_embeddings=32, mscale=1.0, mscale_all_dim=0.5, truncate=False, beta_fast=8, beta_slow=1)),
    "rope-longrope": dict(original_max_position_embeddings=32, rope_scaling=dict(type="longrope", **factors(8))),
    "partial-rotary": dict(partial_rotary_factor=0.5, rope_scaling=dict(type="linear", factor=2.0)),
}

qwen2 = {
    "plain": {},
    "windows": dict(num_hidden_layers=4, use_sliding_window=True, sliding_window=20, max_window_layers=2, tie_word_embeddings=True, rope_scaling=yarn),
}

qwen3 = {
    "plain": dict(head_dim=32, tie_word_embeddings=True),
    "fp8-blocks": dict(hidden_size=192, intermediate_size=384, head_dim=64, quantization_config=dict(blocks, modules_to_not_convert=["lm_head", "model.layers.1.self_attn.o_proj"])),
    "windows": dict(head_dim=24, num_hidden_layers=4, use_sliding_window=True, sliding_window=20, max_window_layers=1, attention_bias=True, rope_scaling=yarn),
}

experts = dict(num_experts=8, num_experts_per_tok=3, moe_intermediate_size=48, norm_topk_prob=True)
qwen3_moe = {
    "plain": dict(experts, num_attention_heads=8, head_dim=32),
    "mixed": dict(experts, num_hidden_layers=5, decoder_sparse_step=2, mlp_only_layers=[3], num_experts=6, norm_topk_prob=False, attention_bias=True, use_sliding_window=True, sliding_window=20, head_dim=24, rope_scaling=yarn),
    "one-expert": dict(experts, num_experts=5, num_experts_per_tok=1, moe_intermediate_size=40, norm_topk_prob=False, num_key_value_heads=1),
}

qwen2_moe = {
    "plain": dict(experts, shared_expert_intermediate_size=96, norm_topk_prob=False),
    "mixed": dict(experts, shared_expert_intermediate_size=40, num_hidden_layers=5, decoder_sparse_step=2, mlp_only_layers=[1], num_experts_per_tok=2, qkv_bias=False, use_sliding_window=True, sliding_window=20, max_window_layers=3, tie_word_embeddings=True),
}

mixtral = {
    "plain": dict(num_local_experts=4, num_experts_per_tok=2),
    "window": dict(num_local_experts=6, num_experts_per_tok=3, intermediate_size=56, head_dim=24, sliding_window=20, num_key_value_heads=1, tie_word_embeddings=True),
}

untruncated = dict(rope_type="yarn", factor=32.0, beta_fast=32.0, beta_slow=1.0, truncate=False, original_max_position_embeddings=16)
gpt_oss = {
    "plain": dict(num_local_experts=6, num_experts_per_tok=3, intermediate_size=48, head_dim=32, sliding_window=20, rope_scaling=untruncated),
    "layer-types": dict(num_local_experts=4, num_experts_per_tok=1, intermediate_size=64, head_dim=16, num_hidden_layers=3, sliding_window=33, layer_types=[full, full, sliding], num_key_value_heads=1, attention_bias=False, rope_scaling=dict(untruncated, factor=4.0), max_position_embeddings=128),
}

# Caps far below the real 50 and 30: tiny models have tiny scores.
gemma2 = {
    "softcaps": dict(num_hidden_layers=4, head_dim=32, query_pre_attn_scalar=24, sliding_window=20, attn_logit_softcapping=4.0, final_logit_softcapping=4.0),
    "no-caps": dict(num_hidden_layers=3, head_dim=16, query_pre_attn_scalar=16, sliding_window=33, attn_logit_softcapping=None, final_logit_softcapping=None, attention_bias=True, num_key_value_heads=1),
}

gemma3 = {
    "pattern": dict(num_hidden_layers=5, head_dim=32, query_pre_attn_scalar=24, sliding_window=20, sliding_window_pattern=3, rope_theta=100000.0, rope_local_base_freq=1000.0, rope_scaling=dict(rope_type="linear", factor=8.0)),
    "layer-types": dict(num_hidden_layers=3, head_dim=16, query_pre_attn_scalar=16, sliding_window=32, layer_types=[full, sliding, full], attention_bias=True, final_logit_softcapping=4.0, num_key_value_heads=1, rope_parameters={full: dict(rope_theta=50000.0, rope_type="default"), sliding: dict(rope_theta=500.0, rope_type="default")}),
    "conditional": dict(architectures=["Gemma3ForConditionalGeneration"], model_type="gemma3", text_config=dict(shape("", "gemma3_text", num_hidden_layers=3, head_dim=16, query_pre_attn_scalar=16, sliding_window=20, sliding_window_pattern=2, rope_theta=100000.0, hidden_activation="gelu_pytorch_tanh", tie_word_embeddings=True), architectures=["Gemma3ForCausalLM"])),
}

phi3 = {
    "plain": dict(rope_theta=250000.0),
    "longrope": dict(tie_word_embeddings=True, head_dim=..., hidden_size=128, partial_rotary_factor=0.75, original_max_position_embeddings=32, rope_scaling=dict(type="longrope", **factors(12))),
    "window": dict(num_key_value_heads=4, sliding_window=24, original_max_position_embeddings=32, rope_scaling=dict(type="su", original_max_position_embeddings=32, **factors(8))),
}

exaone4 = {
    "hybrid": dict(num_hidden_layers=6, sliding_window=20, sliding_window_pattern="LLG", layer_types=[sliding, sliding, full] * 2, head_dim=32, rope_scaling=llama3),
    "pattern": dict(num_hidden_layers=3, sliding_window=33, sliding_window_pattern=2),
    "full": dict(sliding_window=None, sliding_window_pattern=None, layer_types=[full, full], tie_word_embeddings=True, rope_scaling=llama3),
}

cohere = {
    "plain": dict(logit_scale=2.0),
    "qk-norm": dict(use_qk_norm=True, attention_bias=True, logit_scale=0.5, rope_theta=75000000.0, layer_norm_eps=1e-4),
}

cohere2 = {
    "pattern": dict(num_hidden_layers=5, sliding_window=20, sliding_window_pattern=3, logit_scale=0.25),
    "layer-types": dict(num_hidden_layers=3, sliding_window=33, layer_types=[full, sliding, sliding], attention_bias=True, num_key_value_heads=1),
}

olmo2 = {
    "plain": dict(num_key_value_heads=4),
    "gqa": dict(attention_bias=True, tie_word_embeddings=True, rope_scaling=yarn),
}

latent = dict(num_key_value_heads=4, q_lora_rank=40, kv_lora_rank=48, qk_nope_head_dim=24, qk_rope_head_dim=12, v_head_dim=20, n_routed_experts=8, num_experts_per_tok=3, moe_intermediate_size=48, n_shared_experts=2, first_k_dense_replace=1)
deepseek_yarn = dict(yarn, mscale=0.707, mscale_all_dim=0.9, beta_fast=32, beta_slow=1)
deepseek_v2 = {
    "lite": dict(q_lora_rank=None, topk_method="greedy", n_group=1, topk_group=1, rope_scaling=deepseek_yarn),
    "groups": dict(num_hidden_layers=3, topk_method="group_limited_greedy", n_group=4, topk_group=2, routed_scaling_factor=4.0, attention_bias=True, mlp_bias=True, n_shared_experts=1, rope_scaling=deepseek_yarn),
    "dense": dict(first_k_dense_replace=2, tie_word_embeddings=True, n_group=1, topk_group=1, kv_lora_rank=38, qk_nope_head_dim=10, qk_rope_head_dim=6, v_head_dim=18),
}
deepseek_v3 = {
    "groups": dict(num_hidden_layers=3, scoring_func="sigmoid", topk_method="noaux_tc", n_group=4, topk_group=2, routed_scaling_factor=2.5, norm_topk_prob=True, attention_bias=True, num_nextn_predict_layers=1, rope_scaling=dict(deepseek_yarn, mscale=1.0, mscale_all_dim=1.0)),
    "one-group": dict(q_lora_rank=None, n_group=1, topk_group=1, routed_scaling_factor=0.8, norm_topk_prob=False, n_shared_experts=1, first_k_dense_replace=0, rope_interleave=False, num_nextn_predict_layers=0, rope_theta=50000.0),
}

gelu = dict(hidden_activation="gelu_pytorch_tanh", tie_word_embeddings=True)
layer_norm = dict(rms_norm_eps=..., layer_norm_eps=1e-5, tie_word_embeddings=True, hidden_act="silu", rope_theta=50000.0)
families = {
    "llama": (dict(shape("LlamaForCausalLM", "llama"), rope_theta=10000.0, hidden_act="silu"), llama),
    "qwen2": (shape("Qwen2ForCausalLM", "qwen2", rope_theta=1000000.0, hidden_act="silu"), qwen2),
    "qwen3": (shape("Qwen3ForCausalLM", "qwen3", rope_theta=1000000.0, hidden_act="silu"), qwen3),
    "qwen3-moe": (shape("Qwen3MoeForCausalLM", "qwen3_moe", rope_theta=1000000.0, hidden_act="silu"), qwen3_moe),
    "qwen2-moe": (shape("Qwen2MoeForCausalLM", "qwen2_moe", rope_theta=1000000.0, hidden_act="silu"), qwen2_moe),
    "mixtral": (shape("MixtralForCausalLM", "mixtral", rope_theta=1000000.0, hidden_act="silu"), mixtral),
    "gpt-oss": (shape("GptOssForCausalLM", "gpt_oss", rope_theta=150000.0, hidden_act="silu", swiglu_limit=1.5), gpt_oss),
    "gemma2": (shape("Gemma2ForCausalLM", "gemma2", rope_theta=10000.0, **gelu), gemma2),
    "gemma3": (shape("Gemma3ForCausalLM", "gemma3_text", **gelu), gemma3),
    "phi3": (shape("Phi3ForCausalLM", "phi3", rope_theta=10000.0, hidden_act="silu", pad_token_id=0), phi3),
    "exaone4": (shape("Exaone4ForCausalLM", "exaone4", rope_theta=1000000.0, hidden_act="silu"), exaone4),
    "cohere": (shape("CohereForCausalLM", "cohere", **layer_norm), cohere),
    "cohere2": (shape("Cohere2ForCausalLM", "cohere2", **layer_norm), cohere2),
    "deepseek-v2": (shape("DeepseekV2ForCausalLM", "deepseek_v2", rope_theta=10000.0, hidden_act="silu", **latent), deepseek_v2),
    "deepseek-v3": (shape("DeepseekV3ForCausalLM", "deepseek_v3", rope_theta=10000.0, hidden_act="silu", **latent), deepseek_v3),
    "olmo2": (shape("Olmo2ForCausalLM", "olmo2", rope_theta=500000.0, hidden_act="silu", pad_token_id=0), olmo2),
}

# Families whose head is the embedding get small embeddings, or every token would predict itself.
small_embeddings = ["gemma2", "gemma3", "exaone4", "cohere", "cohere2", "olmo2"]

# Families whose checkpoints name tensors otherwise than the model does: experts one by one.
renamed = ["qwen2-moe", "qwen3-moe", "mixtral", "gpt-oss", "deepseek-v2", "deepseek-v3"]

# Routers whose weights are large: an expert that rounding may exchange for another one then weighs little.
sharp_routers = ["qwen2-moe", "qwen3-moe", "mixtral", "gpt-oss"]

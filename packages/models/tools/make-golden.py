#!/usr/bin/env python3
"""Writes goldens/<variant>/{config.json, golden.json}: tiny Llama models run by Transformers in f32 on the CPU.

  python3 -m venv venv && venv/bin/pip install torch transformers
  venv/bin/python tools/make-golden.py

No weights are stored. Element i of a tensor is amplitude * (2 * u - 1), plus 1 for norm weights, where
  u = mix(fnv1a32(name) + i * 0x9E3779B9) >> 8, divided by 2^24
and mix is the finalizer of MurmurHash3 on 32 bits; src/testing/golden-checkpoint.ts has the same formula.
golden.json has the format of the eval goldens (prompts as ids, prompt_nll, logsumexp, the 32 largest logits at the
last prompt position, greedy tokens with the gap between the two largest logits).

Two variants state what this project computes where Transformers' Llama computes something else:
  rope-dynamic    position p takes the base of a text of p + 1 tokens (Transformers: of the longest text so far)
  partial-rotary  only the first rotary dims of a head rotate (Transformers' Llama has no such branch)
"""
import json
import os
import sys

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama import modeling_llama

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../goldens")

shape = dict(
    architectures=["LlamaForCausalLM"], model_type="llama", vocab_size=256, hidden_size=64, intermediate_size=128,
    num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5,
    rope_theta=10000.0, hidden_act="silu", bos_token_id=0, eos_token_id=1, tie_word_embeddings=False, torch_dtype="float32",
)
mistral = dict(architectures=["MistralForCausalLM"], model_type="mistral")
variants = {
    "gqa": {},
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
    "rope-llama3": dict(rope_theta=500000.0, rope_scaling=dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)),
    "rope-yarn": dict(rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)),
    "rope-yarn-mscale": dict(rope_parameters=dict(rope_type="yarn", rope_theta=50000.0, factor=4.0, original_max_position_embeddings=32, mscale=1.0, mscale_all_dim=0.5, truncate=False, beta_fast=8, beta_slow=1)),
    "rope-longrope": dict(original_max_position_embeddings=32, rope_scaling=dict(type="longrope", short_factor=[1.0 + 0.05 * i for i in range(8)], long_factor=[1.0 + 0.5 * i for i in range(8)])),
    "partial-rotary": dict(partial_rotary_factor=0.5, rope_scaling=dict(type="linear", factor=2.0)),
}
greedy_max = 12
stop_ids = [1]


def mix(x):
    x = x & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return x ^ (x >> 16)


def hashed(name, count):
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    return mix(seed + torch.arange(count, dtype=torch.int64) * 0x9E3779B9)


def values(name, shape_):
    count = 1
    for size in shape_:
        count *= size
    unit = (hashed(name, count) >> 8).double() / 2**23 - 1
    amplitude = 1.0 if "embed_tokens" in name else 0.5 if "lm_head" in name else 0.25
    return (unit * amplitude + (1 if "norm" in name else 0)).float().reshape(shape_)


def prompt(name, length):
    return [0] + (2 + hashed(name, length - 1) % 254).tolist()


class DynamicByPosition(modeling_llama.LlamaRotaryEmbedding):
    def forward(self, x, position_ids):
        rows = [ROPE_INIT_FUNCTIONS["dynamic"](self.config, "cpu", seq_len=int(p) + 1)[0] for p in position_ids[0]]
        freqs = position_ids[0][:, None].float() * torch.stack(rows)
        emb = torch.cat((freqs, freqs), dim=-1)[None]
        return emb.cos(), emb.sin()


def rotate_leading(q, k, cos, sin, unsqueeze_dim=1):
    cos, sin = cos.unsqueeze(unsqueeze_dim), sin.unsqueeze(unsqueeze_dim)
    n = cos.shape[-1]
    turn = lambda x: torch.cat([x[..., :n] * cos + modeling_llama.rotate_half(x[..., :n]) * sin, x[..., n:]], dim=-1)
    return turn(q), turn(k)


rotate_all = modeling_llama.apply_rotary_pos_emb


def build(name, config_json):
    is_mistral = config_json["model_type"] == "mistral"
    keys = json.loads(json.dumps({k: v for k, v in config_json.items() if k not in ("architectures", "model_type", "torch_dtype")}))
    config = (MistralConfig if is_mistral else LlamaConfig)(**keys, attn_implementation="eager")
    modeling_llama.apply_rotary_pos_emb = rotate_leading if name == "partial-rotary" else rotate_all
    model = (MistralForCausalLM if is_mistral else LlamaForCausalLM)(config).float().eval()
    if name == "rope-dynamic":
        model.model.rotary_emb = DynamicByPosition(config)
    with torch.no_grad():
        for parameter, tensor in model.named_parameters():
            tensor.copy_(values(parameter, tensor.shape))
    return model


def golden(model, id_, ids):
    x = torch.tensor([ids])
    o = model(input_ids=x, use_cache=True)
    logits = o.logits[0].float()
    nll = abs(float(logits[:-1].log_softmax(-1).gather(-1, x[0, 1:, None]).sum()))
    v, i = logits[-1].topk(32)
    row = dict(id=id_, kind="raw", ids=ids, prompt_nll=round(nll, 5), logsumexp=round(float(logits[-1].logsumexp(-1)), 6), top_ids=i.tolist(), top_logits=[round(float(z), 6) for z in v])
    tokens, gaps, past, last = [], [], o.past_key_values, logits[-1]
    while True:
        top = last.topk(2)
        tokens.append(int(top.indices[0]))
        gaps.append(round(float(top.values[0] - top.values[1]), 4))
        if tokens[-1] in stop_ids or len(tokens) == greedy_max:
            break
        o = model(input_ids=torch.tensor([[tokens[-1]]]), past_key_values=past, use_cache=True)
        past, last = o.past_key_values, o.logits[0, -1].float()
    row.update(greedy=tokens, gaps=gaps, text="")
    return row


def main():
    for name in sys.argv[1:] or variants:
        config_json = dict(shape, **variants[name])
        if "rope_parameters" in config_json:
            del config_json["rope_theta"]
        folder = os.path.join(out, name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "config.json"), "w") as file:
            file.write(json.dumps(config_json, indent=2) + "\n")
        rows = []
        with torch.inference_mode():
            # A short text, one beyond every original length and window, and one of a single token.
            for length in (9, 70, 1):
                rows.append(golden(build(name, config_json), f"{name}-{length}", prompt(f"{name}-{length}", length)))
        meta = dict(model=name, adapter=None, dtype="float32", device="cpu", torch=torch.__version__, transformers=transformers.__version__, greedy_max=greedy_max, stop_ids=stop_ids)
        with open(os.path.join(folder, "golden.json"), "w") as file:
            file.write('{"meta":' + json.dumps(meta) + ',\n"prompts":[\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]}\n")
        print(name, [row["greedy"][:4] for row in rows], [min(row["gaps"]) for row in rows])


main()

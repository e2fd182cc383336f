#!/usr/bin/env python3
"""Writes src/rope/goldens/<kind>.json: inverse frequencies and attention factors as Transformers computes them.

  python3 -m venv venv && venv/bin/pip install torch transformers
  venv/bin/python tools/make-rope-goldens.py

Every case is a piece of config.json. Longrope has two tables (short, long); dynamic has one table per text length in
`lengths`. For the default kind with partial_rotary_factor, which Transformers' Llama does not have, the linear
kind with factor 1 stands in: it is the same table.
"""
import json
import os

import torch
import transformers
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

transformers.logging.set_verbosity_error()
out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../src/rope/goldens")

llama31 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)
short = [1.0 + 0.01 * i for i in range(16)]
long = [1.0 + 0.37 * i for i in range(16)]


def case(name, head_dim=64, max_positions=4096, theta=10000.0, **keys):
    return dict(name=name, config=dict(head_dim=head_dim, max_position_embeddings=max_positions, rope_theta=theta, **keys))


cases = {
    "default": [
        case("theta 10000", head_dim=64),
        case("theta 500000", head_dim=128, theta=500000.0),
        case("theta 1e6, head_dim 96", head_dim=96, theta=1000000.0),
        case("a quarter rotates", head_dim=64, partial_rotary_factor=0.25),
        case("newer key", rope_parameters=dict(rope_type="default", rope_theta=250000.0)),
    ],
    "linear": [
        case("type", rope_scaling=dict(type="linear", factor=4.0)),
        case("rope_type, half rotates", rope_scaling=dict(rope_type="linear", factor=2.5), partial_rotary_factor=0.5),
    ],
    "dynamic": [
        case("factor 2", max_positions=2048, rope_scaling=dict(type="dynamic", factor=2.0)),
        case("factor 4, head_dim 128", head_dim=128, max_positions=128, theta=500000.0, rope_scaling=dict(rope_type="dynamic", factor=4.0)),
    ],
    "llama3": [
        case("Llama 3.1", head_dim=128, max_positions=131072, theta=500000.0, rope_scaling=llama31),
        case("Llama 3.2", head_dim=64, max_positions=131072, theta=500000.0, rope_scaling=dict(llama31, factor=32.0)),
        case("low = high", head_dim=128, max_positions=131072, theta=500000.0, rope_scaling=dict(llama31, factor=16.0, high_freq_factor=1.0)),
        case("newer key", head_dim=128, max_positions=131072, rope_parameters=dict(llama31, rope_theta=500000.0)),
    ],
    "yarn": [
        case("factor 4", head_dim=128, max_positions=131072, theta=1000000.0, rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32768)),
        case("not truncated", head_dim=64, max_positions=131072, theta=150000.0, rope_scaling=dict(rope_type="yarn", factor=32.0, original_max_position_embeddings=4096, beta_fast=32.0, beta_slow=1.0, truncate=False)),
        case("mscale", head_dim=64, max_positions=163840, rope_scaling=dict(type="yarn", factor=40.0, original_max_position_embeddings=4096, mscale=1.0, mscale_all_dim=0.7)),
        case("equal mscales", head_dim=64, max_positions=163840, rope_scaling=dict(type="yarn", factor=40.0, original_max_position_embeddings=4096, mscale=1.0, mscale_all_dim=1.0)),
        case("given attention_factor, other betas", head_dim=64, max_positions=8192, rope_scaling=dict(type="yarn", factor=2.0, attention_factor=0.9, beta_fast=16, beta_slow=2, original_max_position_embeddings=4096)),
        case("no original length", head_dim=64, max_positions=4096, rope_scaling=dict(type="yarn", factor=8.0)),
    ],
    "longrope": [
        case("beside the section", head_dim=32, max_positions=131072, original_max_position_embeddings=4096, rope_scaling=dict(type="longrope", short_factor=short, long_factor=long)),
        case("inside the section", head_dim=32, max_positions=8192, rope_scaling=dict(rope_type="longrope", factor=4.0, original_max_position_embeddings=2048, short_factor=short, long_factor=long)),
        case("given attention_factor", head_dim=32, max_positions=8192, rope_scaling=dict(rope_type="longrope", factor=4.0, attention_factor=1.25, original_max_position_embeddings=2048, short_factor=short, long_factor=long)),
    ],
}


def tables(kind, keys):
    config = LlamaConfig(hidden_size=keys["head_dim"] * 2, num_attention_heads=2, **json.loads(json.dumps(keys)))
    if kind == "default":
        if "partial_rotary_factor" in keys:
            config = LlamaConfig(hidden_size=keys["head_dim"] * 2, num_attention_heads=2, **keys, rope_scaling=dict(type="linear", factor=1.0))
            return [ROPE_INIT_FUNCTIONS["linear"](config, "cpu")]
        return [LlamaRotaryEmbedding.compute_default_rope_parameters(config)]
    function = ROPE_INIT_FUNCTIONS[kind]
    if kind == "longrope":
        return [function(config, "cpu", seq_len=1), function(config, "cpu", seq_len=10**6)]
    if kind == "dynamic":
        return [function(config, "cpu", seq_len=length) for length in lengths(keys)]
    return [function(config, "cpu")]


def lengths(keys):
    n = keys["max_position_embeddings"]
    return [1, n, n + 1, 3 * n]


def main():
    os.makedirs(out, exist_ok=True)
    for kind, list_ in cases.items():
        rows = []
        for entry in list_:
            found = tables(kind, entry["config"])
            row = dict(entry, inverse_frequencies=[[float(f"{x:.9g}") for x in table.float().tolist()] for table, _ in found], attention_factor=float(found[0][1]))
            if kind == "dynamic":
                row["lengths"] = lengths(entry["config"])
            rows.append(json.dumps(row))
        with open(os.path.join(out, kind + ".json"), "w") as file:
            file.write('{"transformers":"%s","torch":"%s","cases":[\n%s\n]}\n' % (transformers.__version__, torch.__version__, ",\n".join(rows)))
        print(kind, len(rows))


main()

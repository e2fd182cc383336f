#!/usr/bin/env python3
"""Writes goldens/<family>/<variant>/{config.json, golden.json}: tiny models run by Transformers in f32 on the CPU.

  python3 -m venv venv && venv/bin/pip install torch transformers
  venv/bin/python tools/make-golden.py [family[/variant] ...]

No weights are stored. Element i of a tensor is amplitude * (2 * u - 1), plus 1 for norm weights, where the amplitude is
meta.embedding for the embedding, meta.router for routers, 0.5 for the head, 0.25 for the others, and
  u = mix(fnv1a32(name) + i * 0x9E3779B9) >> 8, divided by 2^24
and mix is the finalizer of MurmurHash3 on 32 bits; src/testing/golden-checkpoint.ts has the same formula.

golden.json: `tensors` are the names and shapes of the checkpoint: a line for all layers, where all have the tensor, and
for all experts. Each prompt has
the format of the eval goldens (prompt_nll, logsumexp, the 32 largest logits at the last prompt position, greedy tokens
with the gap between the two largest logits) and, for every prompt position, `positions`: [largest logit's id, that
logit, gap to the runner-up, logsumexp]. `std` is the deviation of all its logits; `bf16` says how far the same
Transformers model in bf16 is from that: root mean square and largest difference over top_logits and positions' logits.

A config with quantization_config has weights of linears that are kept as f8: the values above, divided by a scale (largest
magnitude / 448 of the tensor, of each row or of each 128 x 128, rounded to bf16 but for ModelOpt and Llama) and rounded to
f8. Transformers runs their products with the scale, in f32.

Two variants state what this project computes where Transformers' Llama computes something else:
  rope-dynamic    position p takes the base of a text of p + 1 tokens (Transformers: of the longest text so far)
  partial-rotary  only the first rotary dims of a head rotate (Transformers' Llama has no such branch)
"""
import json
import os
import re
import sys
import tempfile

import safetensors.torch
import torch
import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama import modeling_llama

from golden_variants import families, renamed, sharp_routers, small_embeddings

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../goldens")
greedy_max = 12
stop_ids = [1]
# Where a class with several modalities keeps its text model: its config section, and the prefix of its tensors.
text_parts = {"Gemma3ForConditionalGeneration": ("Gemma3ForCausalLM", "text_config", "language_model.")}


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


def values(name, shape_, embedding, router=0.25):
    count = 1
    for size in shape_:
        count *= size
    unit = (hashed(name, count) >> 8).double() / 2**23 - 1
    is_router = re.search(r"\.(gate|router)\.weight$", name)
    amplitude = embedding if "embed_tokens" in name else router if is_router else 0.5 if "lm_head" in name else 0.25
    return (unit * amplitude + (1 if "norm" in name else 0)).float().reshape(shape_)


def is_kept_plain(module, patterns):
    return any(re.match(p[3:], module) if p.startswith("re:") else p == module for p in patterns)


def stored(name, tensor, config_json):
    """The tensor as it is after it was kept as f8 and scales."""
    format_ = config_json.get("quantization_config")
    if not format_ or "_proj." not in name or not name.endswith(".weight"):
        return tensor
    method = format_["quant_method"]
    plain = {"modelopt": "exclude_modules", "compressed-tensors": "ignore", "fp8": "modules_to_not_convert"}[method]
    if is_kept_plain(name.removesuffix(".weight"), format_.get(plain, [])):
        return tensor
    rows, columns = tensor.shape
    block = {"modelopt": (rows, columns), "compressed-tensors": (1, columns), "fp8": (128, 128)}[method]
    out = torch.empty_like(tensor)
    for r in range(0, rows, block[0]):
        for c in range(0, columns, block[1]):
            part = tensor[r : r + block[0], c : c + block[1]]
            scale = part.abs().max() / 448
            if method == "compressed-tensors" or config_json["model_type"] == "qwen3":
                scale = scale.bfloat16().float()
            out[r : r + block[0], c : c + block[1]] = (part / scale).clamp(-448, 448).to(torch.float8_e4m3fn).float() * scale
    return out


def prompt(name, length):
    return [0] + (2 + hashed(name, length - 1) % 254).tolist()


class DynamicByPosition(modeling_llama.LlamaRotaryEmbedding):
    def forward(self, x, position_ids):
        rows = [ROPE_INIT_FUNCTIONS["dynamic"](self.config, "cpu", seq_len=int(p) + 1)[0] for p in position_ids[0]]
        freqs = position_ids[0][:, None].float() * torch.stack(rows)
        emb = torch.cat((freqs, freqs), dim=-1)[None]
        return emb.cos().to(x.dtype), emb.sin().to(x.dtype)


def rotate_leading(q, k, cos, sin, unsqueeze_dim=1):
    cos, sin = cos.unsqueeze(unsqueeze_dim), sin.unsqueeze(unsqueeze_dim)
    n = cos.shape[-1]
    turn = lambda x: torch.cat([x[..., :n] * cos + modeling_llama.rotate_half(x[..., :n]) * sin, x[..., n:]], dim=-1)
    return turn(q), turn(k)


rotate_all = modeling_llama.apply_rotary_pos_emb


def text_of(config_json):
    """The class that computes a config's text, its keys, and the prefix its tensors have in the checkpoint."""
    architecture = config_json["architectures"][0]
    if architecture not in text_parts:
        return architecture, config_json, ""
    text_class, section, prefix = text_parts[architecture]
    return text_class, config_json[section], prefix


def embedding_of(name):
    return 0.25 if name.split("/")[0] in small_embeddings else 1.0


def router_of(name):
    return 1.0 if name.split("/")[0] in sharp_routers else 0.25


def build(name, config_json):
    architecture, keys, prefix = text_of(json.loads(json.dumps(config_json)))
    keys = {k: v for k, v in keys.items() if k not in ("architectures", "model_type", "torch_dtype", "quantization_config")}
    model_class = getattr(transformers, architecture)
    config = model_class.config_class(**keys, attn_implementation="eager")
    modeling_llama.apply_rotary_pos_emb = rotate_leading if name == "llama/partial-rotary" else rotate_all
    model = model_class(config).float().eval()
    if name == "llama/rope-dynamic":
        model.model.rotary_emb = DynamicByPosition(config)
    if name.split("/")[0] in renamed:
        return through_checkpoint(name, model, keys.get("swiglu_limit"))
    with torch.no_grad():
        for parameter, tensor in model.named_parameters():
            tensor.copy_(stored(parameter, values(prefix + parameter, tensor.shape, embedding_of(name)), config_json))
    return model


def through_checkpoint(name, model, swiglu_limit):
    """The model with the values of this file's formula under the names that its checkpoints have."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        file = os.path.join(folder, "model.safetensors")
        tensors = {key: values(key, tensor.shape, embedding_of(name), router_of(name)) for key, tensor in safetensors.torch.load_file(file).items()}
        safetensors.torch.save_file(tensors, file, metadata=dict(format="pt"))
        loaded = type(model).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    for module in loaded.modules():
        if hasattr(module, "limit"):  # a constant of the class, but a key of published configs
            module.limit = swiglu_limit
    loaded.checkpoint_shapes = {key: list(tensor.shape) for key, tensor in tensors.items()}
    return loaded


def in_bf16(model):
    """Parameters only: buffers such as inverse frequencies stay f32, as from_pretrained leaves them."""
    for parameter in model.parameters():
        parameter.data = parameter.data.bfloat16()
    return model


def checkpoint_shapes(name, config_json):
    model = build(name, config_json)
    if hasattr(model, "checkpoint_shapes"):
        return model.checkpoint_shapes
    prefix = text_of(config_json)[2]
    return {prefix + parameter: list(tensor.shape) for parameter, tensor in model.named_parameters()}


def tensors_of(name, config_json):
    """Layers that are alike share a line with a star for their number, experts of a layer always do."""
    num_layers = text_of(config_json)[1]["num_hidden_layers"]
    by_pattern = {}
    for path, shape_ in checkpoint_shapes(name, config_json).items():
        path = re.sub(r"\.experts\.\d+\.", ".experts.*.", path)
        by_pattern.setdefault(re.sub(r"\.layers\.\d+\.", ".layers.*.", path), {})[path] = shape_
    shapes = {}
    for pattern, found in by_pattern.items():
        alike = all(shape_ == list(found.values())[0] for shape_ in found.values())
        everywhere = ".layers.*." not in pattern or len(found) == num_layers
        shapes.update({pattern: list(found.values())[0]} if alike and everywhere else found)
    return shapes


def watched(logits):
    """The logits that a golden stores: the largest of each position, the 32 largest of the last one."""
    best = logits.argmax(-1)
    return best, logits[-1].topk(32).indices


def noise(logits, others):
    best, top = watched(logits)
    rows = torch.arange(len(logits))
    off = torch.cat([(others - logits)[rows, best], (others - logits)[-1, top]]).double()
    return dict(rms=round(float(off.square().mean().sqrt()), 5), max=round(float(off.abs().max()), 5))


def golden(name, config_json, length):
    id_ = f"{name.split('/')[-1]}-{length}"
    ids = prompt(id_, length)
    x = torch.tensor([ids])
    model = build(name, config_json)
    o = model(input_ids=x, use_cache=True)
    logits = o.logits[0].float()
    two = logits.topk(2).values
    rows = zip(logits.argmax(-1).tolist(), two[:, 0].tolist(), (two[:, 0] - two[:, 1]).tolist(), logits.logsumexp(-1).tolist())
    positions = [[a, round(b, 5), round(c, 5), round(d, 5)] for a, b, c, d in rows]
    nll = abs(float(logits[:-1].log_softmax(-1).gather(-1, x[0, 1:, None]).sum()))
    v, i = logits[-1].topk(32)
    row = dict(id=id_, kind="raw", ids=ids, prompt_nll=round(nll, 5), logsumexp=round(float(logits[-1].logsumexp(-1)), 6), top_ids=i.tolist(), top_logits=[round(float(z), 6) for z in v])
    bf16 = noise(logits, in_bf16(build(name, config_json))(input_ids=x).logits[0].float())
    row.update(positions=positions, std=round(float(logits.std()), 4), bf16=bf16)
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


def selected():
    for family, (shape, variants) in families.items():
        for variant, keys in variants.items():
            wanted = sys.argv[1:]
            if not wanted or family in wanted or f"{family}/{variant}" in wanted:
                yield f"{family}/{variant}", {k: v for k, v in {**shape, **keys}.items() if v is not ...}


def main():
    for name, config_json in selected():
        folder = os.path.join(out, name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "config.json"), "w") as file:
            file.write(json.dumps(config_json, indent=2) + "\n")
        with torch.inference_mode():
            # A short text, one beyond every original length and window, and one of a single token.
            rows = [golden(name, config_json, length) for length in (9, 70, 1)]
            tensors = tensors_of(name, config_json)
        meta = dict(model=name, adapter=None, dtype="float32", device="cpu", torch=torch.__version__, transformers=transformers.__version__, embedding=embedding_of(name), router=router_of(name), greedy_max=greedy_max, stop_ids=stop_ids)
        with open(os.path.join(folder, "golden.json"), "w") as file:
            file.write('{"meta":' + json.dumps(meta) + ',\n"tensors":' + json.dumps(tensors) + ',\n"prompts":[\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]}\n")
        print(name, [row["greedy"][:4] for row in rows], [min(row["gaps"]) for row in rows], [row["bf16"] for row in rows], rows[1]["std"])


main()

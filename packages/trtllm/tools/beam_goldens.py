"""Writes goldens/beams.json: what Transformers' generate finds by beam search with the embedded model, in f32 on the CPU.

    python packages/trtllm/tools/beam_goldens.py packages/tales/model packages/trtllm/goldens/beams.json

Each case: a prompt as ids, the settings under this project's names, and the answers, best first: new ids up to and with
the end id, and the score (log probability / tokens ^ lengthPenalty). `gap` is the least distance between two scores that a
decision was made by, so that a case which another order of summation could tip is not kept.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, out = sys.argv[1], Path(sys.argv[2])
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
end_ids = [1, 3]

tales = [
    "Once upon a time",
    "Once upon a time there was a little fox who lived near the river. One day",
    "Long ago, in a small village by the sea, there lived",
    "The king was very old, and he had three daughters. The youngest",
    "What is 12 + 30?",
]
chat = tokenizer.apply_chat_template(
    [{"role": "user", "content": "Tell me a story about a cat."}], add_generation_prompt=True, return_dict=False
)
prompts = [tokenizer.encode(text) for text in tales] + [chat]
stopping = {"full": True, "heuristic": False, "never": "never"}

settings = [
    {"width": 2, "maxTokens": 24},
    {"width": 4, "maxTokens": 40, "n": 4},
    {"width": 4, "maxTokens": 120, "n": 2, "lengthPenalty": 1.0, "earlyStopping": "heuristic"},
    {"width": 4, "maxTokens": 120, "n": 4, "lengthPenalty": 2.0, "earlyStopping": "never"},
    {"width": 3, "maxTokens": 60, "n": 3, "lengthPenalty": -1.0, "earlyStopping": "never"},
    {"width": 3, "maxTokens": 60, "n": 3, "lengthPenalty": 0.0, "earlyStopping": "heuristic"},
    {"width": 4, "maxTokens": 60, "n": 2, "minTokens": 40},
    {"width": 4, "maxTokens": 50, "n": 2, "noRepeatNgramSize": 2},
    {"width": 3, "maxTokens": 40, "n": 3, "repetitionPenalty": 1.3},
    {"width": 8, "maxTokens": 70, "n": 8, "lengthPenalty": 0.6, "earlyStopping": "heuristic"},
    {"width": 16, "maxTokens": 30, "n": 3, "lengthPenalty": 1.0},
    {"width": 5, "maxTokens": 1, "n": 5},
    {"width": 2, "maxTokens": 60, "n": 2, "lengthPenalty": 1.0, "earlyStopping": "never"},
    {"width": 2, "maxTokens": 60, "n": 2, "lengthPenalty": 2.0, "earlyStopping": "never"},
    {"width": 3, "maxTokens": 40, "n": 3, "lengthPenalty": 2.0, "earlyStopping": "never"},
]

# The least gap at a decision: between the last candidate looked at and the next, and between neighbours among them.
gaps = []
original = torch.topk


def watched(scores, k, *rest, **named):
    values = scores.flatten(0, -2) if scores.dim() > 1 else scores.unsqueeze(0)
    for row in values:
        best = original(row, min(k + 1, row.numel()))[0]
        real = best[best > -1e8]
        if real.numel() > 1:
            gaps.append((real[:-1] - real[1:]).min().item())
    return original(scores, k, *rest, **named)


cases = []
for prompt in prompts:
    for setting in settings:
        given = {"n": 1, "lengthPenalty": 0.0, "earlyStopping": "full", **setting}
        gaps.clear()
        torch.topk = watched
        with torch.no_grad():
            found = model.generate(
                torch.tensor([prompt]),
                attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                do_sample=False,
                num_beams=given["width"],
                num_return_sequences=given["n"],
                max_new_tokens=given["maxTokens"],
                min_new_tokens=given.get("minTokens", 0),
                length_penalty=given["lengthPenalty"],
                early_stopping=stopping[given["earlyStopping"]],
                no_repeat_ngram_size=given.get("noRepeatNgramSize", 0),
                repetition_penalty=given.get("repetitionPenalty", 1.0),
                eos_token_id=end_ids,
                pad_token_id=0,
                return_dict_in_generate=True,
                output_scores=True,
            )
        torch.topk = original
        if min(gaps) < 2e-5:
            continue
        answers = []
        for ids, score in zip(found.sequences.tolist(), found.sequences_scores.tolist()):
            new = ids[len(prompt) :]
            end = next((at + 1 for at, token in enumerate(new) if token in end_ids), given["maxTokens"])
            answers.append({"tokenIds": new[:end], "score": score})
        cases.append({"promptTokenIds": prompt, "settings": given, "gap": min(gaps), "answers": answers})

head = {"transformers": transformers.__version__, "torch": torch.__version__, "endIds": end_ids}
lines = ",\n".join("    " + json.dumps(case) for case in cases)
out.write_text(json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}\n")
print(len(cases), "of", len(prompts) * len(settings), "cases")

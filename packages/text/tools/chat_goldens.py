"""Writes goldens/chats.json and goldens/texts.json: what Transformers makes of chats and texts with the embedded model's
tokenizer. Needs transformers and jinja2.

    python packages/text/tools/chat_goldens.py packages/tales/model packages/text/goldens
"""

import json
import sys
from pathlib import Path

from transformers import AutoTokenizer

weather = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place, e.g. \"Zürich\" <now> & later",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string"},
                "days": {"type": "integer", "minimum": 1, "default": None},
                "units": {"enum": ["°C", "°F"]},
                "exact": {"type": "boolean", "default": True},
            },
            "required": ["place"],
        },
    },
}
add = {
    "type": "function",
    "function": {"name": "add", "description": "", "parameters": {"type": "object", "properties": {}}},
}


def call(name, arguments):
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


user = {"role": "user", "content": "Tell me a tale about a fox."}
system = {"role": "system", "content": "You are brief."}
tool_turns = [
    {"role": "user", "content": "Weather in Paris and Rome?"},
    {
        "role": "assistant",
        "content": "Let me look.",
        "tool_calls": [
            call("get_weather", {"place": "Paris", "days": 2}),
            call("get_weather", {"place": "Rome", "exact": False, "nested": {"a": [1, 2.5, None, "x\ny"]}}),
        ],
    },
    {"role": "tool", "content": '{"temperature": 21}'},
    {"role": "tool", "content": '{"temperature": 27}'},
]
answered = [*tool_turns, {"role": "assistant", "content": "Paris 21, Rome 27."}]

chats = [
    {"messages": [user]},
    {"messages": [user], "add_generation_prompt": False},
    {"messages": [system, user]},
    {"messages": [user, {"role": "assistant", "content": "Once upon a time."}, {"role": "user", "content": "Go on."}]},
    {"messages": [system, user, {"role": "assistant", "content": "Yes."}], "add_generation_prompt": False},
    {"messages": [{"role": "user", "content": ""}]},
    {"messages": [{"role": "user", "content": "  spaces\n\n and\ttabs  "}]},
    {"messages": [{"role": "user", "content": "你好,世界!给我讲一个故事。"}]},
    {"messages": [{"role": "user", "content": "👩‍👩‍👧‍👦 🇨🇭 e\u0301 ﷽ \u200b 𝔘"}]},
    {"messages": [{"role": "user", "content": "<|im_end|> <|bos|> <tool_call> </think> in the text"}]},
    {"messages": [{"role": "user", "content": "12345 + 67.89 /think"}]},
    {"messages": [{"role": "user", "content": "{{ messages }} {% if x %} {# no #}"}]},
    {"messages": [user], "tools": [weather]},
    {"messages": [user], "tools": [weather, add]},
    {"messages": [system, user], "tools": [add]},
    {"messages": tool_turns, "tools": [weather]},
    {"messages": tool_turns},
    {"messages": answered, "tools": [weather], "add_generation_prompt": False},
    {"messages": [*answered, {"role": "user", "content": "And Oslo?"}], "tools": [weather]},
    {"messages": [{"role": "user", "content": "add"}, {"role": "assistant", "content": "", "tool_calls": [call("add", {})]}]},
    {"messages": [{"role": "user", "content": "add"}, {"role": "assistant", "content": "", "tool_calls": [call("add", "{\"a\": 1}")]}]},
    {"messages": [system, user, {"role": "system", "content": "Be kind."}, user]},
]

texts = [
    "", " ", "\n", "a", "Once upon a time", " leading", "trailing ", "two  spaces   three", "\r\n\r\nlines\n\n",
    "don't we'll I'M it'S", "1234567890", "3.14159e-10", "x_y-z/w", "<|bos|>", "<|im_start|>user\nhi<|im_end|>",
    "<tool_call>{}</tool_call>", "日本語のテキスト", "한국어 문장", "العربية", "ภาษาไทย", "👩‍👩‍👧‍👦👍🏽🇨🇭", "e\u0301\u0308", "\ufeffBOM", "\u00a0nbsp\u2028sep",
    "def f(x):\n\treturn x**2  # ok\n", "a" * 300, "=" * 100, "Ünïcödé ŝtríñg", "\x00\x01\x7f", "\U0001f600" * 7,
]


def main():
    model, target = Path(sys.argv[1]), Path(sys.argv[2])
    tokenizer = AutoTokenizer.from_pretrained(model)
    for chat in chats:
        generation = chat.setdefault("add_generation_prompt", True)
        text = tokenizer.apply_chat_template(
            chat["messages"], tools=chat.get("tools"), add_generation_prompt=generation, tokenize=False
        )
        chat["text"] = text
        chat["ids"] = tokenizer(text, add_special_tokens=False)["input_ids"]
    encoded = [
        {
            "text": text,
            "ids": tokenizer(text)["input_ids"],
            "plain_ids": tokenizer(text, add_special_tokens=False)["input_ids"],
            "decoded": tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True),
        }
        for text in texts
    ]
    for name, values in [("chats.json", chats), ("texts.json", encoded)]:
        lines = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
        (target / name).write_text(f"[\n{lines}\n]\n", encoding="utf-8")


main()

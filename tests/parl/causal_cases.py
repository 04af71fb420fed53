"""Small causal models with tokenizers made on the spot, and replies that are given in advance."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from openswarm.core.messages import Message, ToolCall
from openswarm.llm.model import ModelInfo, ToolSpec
from openswarm.parl.causal.adapter import Causal, causal_of
from openswarm.parl.causal.drawing import Draw, Together
from openswarm.parl.causal.policy import CausalPolicy
from openswarm.parl.causal.template import Template

TEXTS = [
    'You lead a swarm. {"type": "function", "function": {"name": "assign_batch"}}',
    "The capital of the land is a city. Page 1 of 1, the last. <tool_call> </tool_call>",
    "Find the row in the document and report it. Stop now. Hand back what you have.",
]
MARKS = ["<|begin|>", "<|im_start|>", "<|im_end|>", "<|eot|>", "<|head|>", "<|/head|>"]
LOOK = ToolSpec("look", "Looks.", '{"type": "object", "properties": {"at": {"type": "string"}}}')
WINDOW = 32_768

CHATML = """
{{- '<|im_start|>system\\n' + messages[0].content }}
{%- if tools %}{{- '\\n\\n# Tools\\n' }}
{%- for tool in tools %}{{- tool | tojson + '\\n' }}{%- endfor %}{%- endif %}
{{- '<|im_end|>\\n' }}
{%- for m in messages[1:] %}
{%- if m.role == 'tool' %}
{%- if loop.previtem.role != 'tool' %}{{- '<|im_start|>user' }}{%- endif %}
{{- '\\n<tool_response>\\n' + m.content + '\\n</tool_response>' }}
{%- if loop.last or loop.nextitem.role != 'tool' %}{{- '<|im_end|>\\n' }}{%- endif %}
{%- elif m.role == 'assistant' %}
{{- '<|im_start|>assistant\\n' + m.content }}
{%- for call in m.tool_calls or [] %}
{{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments | tojson + '}\\n</tool_call>' }}
{%- endfor %}{{- '<|im_end|>\\n' }}
{%- else %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""
"""As Qwen's: results are words of the user, those of one turn in one message."""

HEADED = """
{{- '<|begin|><|head|>system<|/head|>\\n\\n' + messages[0].content + '<|eot|>' }}
{%- for m in messages[1:] %}
{%- if m.role == 'assistant' and m.tool_calls %}
{%- if m.tool_calls | length != 1 %}{{ raise_exception('one call at a time') }}{%- endif %}
{{- '<|head|>assistant<|/head|>\\n\\n{"name": "' + m.tool_calls[0].function.name }}
{{- '", "parameters": ' + m.tool_calls[0].function.arguments | tojson + '}<|eot|>' }}
{%- elif m.role == 'tool' %}
{{- '<|head|>ipython<|/head|>\\n\\n' + m.content | tojson + '<|eot|>' }}
{%- else %}
{{- '<|head|>' + m.role + '<|/head|>\\n\\n' }}
{%- if loop.first and tools %}{%- for tool in tools %}{{- tool | tojson }}{%- endfor %}{%- endif %}
{{- m.content | trim + '<|eot|>' }}
{%- endif %}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|head|>assistant<|/head|>\\n\\n' }}{%- endif %}"""
"""As Llama's: one call at a time, tools in the first message of the user."""

TOOLS_LAST = """
{%- for m in messages %}
{%- if loop.last and tools %}{{- '[TOOLS]' + tools | tojson }}{%- endif %}
{{- '<|im_start|>' + m.role + (m.content or m.tool_calls | tojson) + '<|im_end|>' }}{%- endfor %}"""
"""As Mistral's: tools stand before the last message, wherever that is."""

COUNTING = CHATML.replace("'<|im_start|>user'", "'<|im_start|>user ' + messages | length | string")
"""Says of a result how many messages came before it."""

ENDLESS = CHATML.replace("<|im_end|>", "")


def system(text: str = "You lead.") -> Message:
    """A system prompt."""
    return Message(role="system", content=text)


def user(text: str = "Go.") -> Message:
    """Words of the user."""
    return Message(role="user", content=text)


def result(text: str, call: str = "functions.look:0") -> Message:
    """The result of a call."""
    return Message(role="tool", content=text, tool_call_id=call)


def calling(*places: str) -> Message:
    """A reply that calls `look` so many times."""
    calls = (
        ToolCall(id=f"functions.look:{n}", name="look", arguments=f'{{"at": "{place}"}}')
        for n, place in enumerate(places)
    )
    return Message(role="assistant", tool_calls=tuple(calls))


@cache
def _words() -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=MARKS, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(TEXTS, trainer)
    return made


def tokenizer(chat: str | None = CHATML, end: str = "<|im_end|>") -> PreTrainedTokenizerFast:
    """A byte-level tokenizer with this chat template, whose replies end with `end`."""
    made = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_words().to_str()),
        eos_token=end,
        additional_special_tokens=[mark for mark in MARKS if mark != end],
    )
    made.chat_template = chat
    return made


def causal(chat: str = CHATML, *, seed: int = 0, llama: bool = False) -> Causal:
    """A model of two layers with fresh weights, on one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    words = tokenizer(chat, "<|eot|>" if chat is HEADED else "<|im_end|>")
    sizes: dict[str, Any] = {
        "vocab_size": len(words), "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
        "max_position_embeddings": WINDOW, "initializer_range": 0.2,
        "bos_token_id": None, "eos_token_id": words.eos_token_id,
    }  # fmt: skip
    if llama:
        return causal_of(LlamaForCausalLM(LlamaConfig(**sizes)), words)
    return causal_of(Qwen2ForCausalLM(Qwen2Config(**sizes)), words)


@cache
def shared(chat: str = CHATML) -> Causal:
    """A model whose weights no test changes."""
    return causal(chat)


@dataclass
class Script:
    """Says what it is given, turn by turn; the same to whoever asks. See `Drawer`."""

    causal: Causal
    texts: Sequence[str]
    by_bytes: bool = False
    """Whether in other tokens than the tokenizer would take."""
    contexts: list[list[int]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def draw(self, draws: Sequence[Draw]) -> None:
        """See `Drawer.draw`."""
        self.batches.append(len(draws))
        for draw in draws:
            text = self.texts[min(len(self.contexts), len(self.texts) - 1)]
            self.contexts.append(list(draw.context))
            pieces = list(text) if self.by_bytes else [text]
            words = self.causal.tokenizer
            ids = [
                n for piece in pieces for n in words(piece, add_special_tokens=False)["input_ids"]
            ]
            draw.ids = [*ids, self.causal.stops[0]][: draw.most]
            draw.logprobs = [-0.25] * len(draw.ids)
            draw.ended = draw.ids[-1] in self.causal.stops


def policy(script: Script, **changes: Any) -> CausalPolicy:
    """A policy that says what a script says."""
    info = ModelInfo(context_tokens=changes.pop("window", WINDOW))
    return CausalPolicy("policy", Together(script), Template(script.causal), info, **changes)

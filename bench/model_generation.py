"""Tokens a second of the engine beside llama.cpp, and what the prefix cache saves.

Both sides have the same random weights, prompts and number of threads, and say the likeliest
tokens. llama.cpp is asked over a socket, for all replies at once, and this counts as its time.
"""

import copy
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from bench.measure import Figure, Setting
from bench.model_llama import llama
from bench.model_sides import made, seconds, shaped, some_tokens, threads
from openswarm.k25.generation import Engine
from openswarm.k25.gguf_export import export
from openswarm.k25.gguf_layout import Form, state_of
from openswarm.k25.model import K25
from openswarm.k25.packed import pack_experts
from openswarm.k25.requests import GenerationRequest
from openswarm.k25.sampling import Sampling
from openswarm.k25.tokenizer import Tokenizer

REPLIES = {1: None, 8: None, 32: 0.4}
"""At once, and how many times llama.cpp's speed at least. A swarm asks for many at once."""
PROMPT, NEW = 64, 64
SHARED, OWN, SHARERS = 512, 16, 8
PREFIX_BAR = 0.3
"""Time to the first tokens of prompts that begin alike, over that of prompts that do not."""
ROOM = 8
"""Tokens of a window beyond prompt and reply."""


def run(setting: Setting) -> list[Figure]:
    """Weights in f32 on both sides, then experts in INT4 on both; then the prefix cache."""
    model = made(shaped())
    packed = copy.deepcopy(model)
    pack_experts(packed)
    figures = []
    for ours, form, kind in ((model, "f32", "f32"), (packed, "q4_0", "experts in INT4")):
        file = exported(model, form, setting.scratch)
        figures += [beside_llama(kind, ours, file, *entry, setting) for entry in REPLIES.items()]
    return [*figures, prefix(model, setting)]


def exported(model: K25, experts: Form, folder: Path) -> Path:
    """The GGUF file of a model, all but the experts in f32."""
    path = folder / f"mini-{experts}.gguf"
    state = state_of(model, model.config.text_config)
    export(state, model.config, Tokenizer.load(), path, dense="f32", experts=experts)
    return path


def beside_llama(
    kind: str, model: K25, file: Path, replies: int, bar: float | None, setting: Setting
) -> Figure:
    """All replies from their prompts to their last tokens."""
    prompts = some_tokens(model.config.text_config, replies, PROMPT).tolist()
    window = PROMPT + NEW + ROOM
    engine = Engine(model, slots=replies, tokens=window)
    with llama(file, replies, window, torch.get_num_threads()) as theirs:
        sides = {
            "openswarm": partial(generate, engine, prompts, NEW),
            "llama.cpp": partial(theirs.generate, prompts, NEW),
        }
        taken = seconds(sides, setting.rounds)
    ours, floor = (replies * NEW / taken[side] for side in sides)
    note = f"{ours:,.0f} and {floor:,.0f} new tokens/s, {PROMPT} + {NEW} each, {threads()}"
    name = f"generation, {kind}, {replies} at once: llama.cpp's time over ours"
    setting.say(f"{name}: {note}")
    return Figure(name, ours / floor, bar, "×", at_least=True, note=note)


def generate(engine: Engine, prompts: Sequence[list[int]], tokens: int) -> None:
    """The likeliest tokens after each prompt, nothing kept of earlier ones."""
    engine.forget()
    sampling = Sampling(temperature=0, max_tokens=tokens)
    given = engine.generate(GenerationRequest(ids, sampling=sampling) for ids in prompts)
    if {len(reply.ids) for reply in given} != {tokens}:
        raise RuntimeError("a reply ended early")


def prefix(model: K25, setting: Setting) -> Figure:
    """One token after each of several prompts: of one beginning, and of different ones."""
    config = model.config.text_config
    shared = some_tokens(config, 1, SHARED).expand(SHARERS, -1)
    different = some_tokens(config, SHARERS, SHARED, seed=1)
    own = some_tokens(config, SHARERS, OWN, seed=2)
    engine = Engine(model, slots=SHARERS, tokens=SHARED + OWN + ROOM)
    alike, unlike = (torch.cat((begin, own), 1).tolist() for begin in (shared, different))
    sides = {
        "alike": partial(generate, engine, alike, 1),
        "unlike": partial(generate, engine, unlike, 1),
    }
    taken = seconds(sides, setting.rounds)
    note = f"{taken['alike'] * 1000:.0f} ms over {taken['unlike'] * 1000:.0f}, {threads()}"
    name = f"generation, {SHARERS} prompts, {SHARED} of {SHARED + OWN} tokens shared over not"
    return Figure(name, taken["alike"] / taken["unlike"], PREFIX_BAR, "×", note=note)

"""The model's forward pass and training step beside transformers' DeepSeek-V3.

Both have the same configuration, weights and tokens, and have to give the same logits before they
are measured; then they take turns in one process. Legend of shapes: B rows, L positions, V
vocabulary.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from bench.measure import Figure, Setting
from bench.model_sides import made, seconds, shaped, some_tokens, threads, twin
from openswarm.k25.config import K25Config
from openswarm.k25.muon import MuonClip, param_groups

BATCH, LENGTH = 4, 512
BAR = 0.6
"""Times transformers' speed, at least. Its experts are grouped too: neither wins everywhere."""
MANY_EXPERTS = shaped(
    num_hidden_layers=3, moe_intermediate_size=64, n_routed_experts=384, num_experts_per_tok=8
)
"""As many experts, and as many of them for a token, as the published model has."""
SAME = 1e-5
"""The largest difference of a logit, over the largest logit, at most."""

Logits = Callable[[torch.Tensor], torch.Tensor]
"""From tokens `(B, L)` to logits `(B, L, V)`."""


def run(setting: Setting) -> list[Figure]:
    """Both shapes, and what the optimiser adds to a step."""
    figures = beside_transformers("mini", shaped(), setting)
    figures += beside_transformers("384 experts of 64", MANY_EXPERTS, setting)
    return [*figures, optimiser(setting)]


def beside_transformers(name: str, config: K25Config, setting: Setting) -> list[Figure]:
    """Forward, and forward with backward, each in f32 and under bf16 autocast."""
    tokens_BL = some_tokens(config.text_config, BATCH, LENGTH)
    model = made(config)
    theirs = twin(model.language_model)
    sides = {"openswarm": (model, model), "transformers": (theirs, logits_of(theirs))}
    check([logits for _, logits in sides.values()], tokens_BL)
    note = f"{theirs.get_experts_implementation()['']} there, {threads()}"
    figures = []
    for what, work in (("forward", forward), ("forward and backward", both_ways)):
        for bf16 in (False, True):
            actions = {side: partial(work, *of, tokens_BL, bf16=bf16) for side, of in sides.items()}
            entry = f"{name}, {what}, {'bf16' if bf16 else 'f32'}"
            figures.append(compared(entry, seconds(actions, setting.rounds), note))
            setting.say(f"{figures[-1].name}: {figures[-1].value:.2f} ({figures[-1].note})")
    return figures


def logits_of(theirs: Any) -> Logits:
    """Transformers' model as a function, without a cache."""
    return lambda tokens_BL: theirs(tokens_BL, use_cache=False).logits


def check(sides: list[Logits], tokens_BL: torch.Tensor) -> None:
    """Raises `RuntimeError` when the sides do not compute the same."""
    with torch.inference_mode():
        ours, theirs = (logits(tokens_BL[:1]) for logits in sides)
    apart = float((ours - theirs).abs().max() / theirs.abs().max())
    if apart > SAME:
        raise RuntimeError(f"the logits differ by {apart:.1e} of the largest one")


def compared(name: str, taken: dict[str, float], note: str) -> Figure:
    """How often openswarm is done while transformers is once."""
    speeds = {side: f"{BATCH * LENGTH / wall:,.0f}" for side, wall in taken.items()}
    pair = f"{speeds['openswarm']} and {speeds['transformers']} tokens/s; {note}"
    ratio = taken["transformers"] / taken["openswarm"]
    return Figure(
        f"{name}: transformers' time over ours", ratio, BAR, "×", at_least=True, note=pair
    )


def forward(_: nn.Module, logits: Logits, tokens_BL: torch.Tensor, *, bf16: bool) -> None:
    """Logits alone."""
    with torch.inference_mode(), precision(bf16):
        logits(tokens_BL)


def both_ways(module: nn.Module, logits: Logits, tokens_BL: torch.Tensor, *, bf16: bool) -> None:
    """The loss, and the gradients of all weights, which are dropped."""
    with precision(bf16):
        logits_BLV = logits(tokens_BL)[:, :-1]
    F.cross_entropy(logits_BLV.flatten(0, 1).float(), tokens_BL[:, 1:].flatten()).backward()
    module.zero_grad(set_to_none=True)


def precision(bf16: bool) -> AbstractContextManager[Any]:
    """Of the products."""
    return torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext()


def optimiser(setting: Setting) -> Figure:
    """MuonClip's update beside the pass forward and backward that it follows."""
    model, updated = made(shaped()), made(shaped())
    tokens_BL = some_tokens(model.config.text_config, BATCH, LENGTH)
    text = updated.language_model
    for parameter in text.parameters():
        parameter.grad = torch.ones_like(parameter)
    update = MuonClip(param_groups(text)).step
    gradients = partial(both_ways, model, model, tokens_BL, bf16=True)
    taken = seconds({"gradients": gradients, "update": update}, setting.rounds)
    share = taken["update"] / sum(taken.values())
    note = f"{taken['update'] * 1000:.0f} ms of {sum(taken.values()) * 1000:.0f}, {threads()}"
    return Figure("mini, a step in bf16: the optimiser's share", share * 100, None, "%", note=note)

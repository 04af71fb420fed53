"""What the benches of the model share: models of random weights, transformers' twin, the clock.

Both sides of a comparison take turns in one process and on the same threads: those that torch
takes, which `OMP_NUM_THREADS` sets. Legend of shapes: B rows, L positions.
"""

import time
from collections.abc import Callable, Mapping
from math import ceil
from typing import Any, TypeVar

import torch

from bench.measure import median
from openswarm.k25.config import K25Config, TextConfig, preset
from openswarm.k25.model import K25
from openswarm.k25.text import TextModel

SLICE_S = 0.05
"""What is faster than this is done several times, until it takes as long."""
LONG_S = 0.5
SEED = 0
MARKERS = 256
"""The last ids of the vocabulary are no text."""
LATENT_NORMS = ("q_a_layernorm", "kv_a_layernorm")
"""Transformers gives these an epsilon of 1e-6, whatever is configured."""
Side = TypeVar("Side", str, int)


def shaped(**changes: object) -> K25Config:
    """`mini` with some fields of its text changed."""
    config = preset("mini")
    return config.model_copy(update={"text_config": config.text_config.model_copy(update=changes)})


def made(config: K25Config) -> K25:
    """A model of random weights, for inference."""
    with torch.random.fork_rng():
        model = K25(config).eval()
    model.initialise(SEED)
    return model


def some_tokens(config: TextConfig, batch: int, length: int, seed: int = SEED) -> torch.Tensor:
    """Random text, `(B, L)`; other text for another seed."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, config.vocab_size - MARKERS, (batch, length), generator=generator)


def twin(ours: TextModel) -> Any:
    """Transformers' model of the same configuration and weights."""
    from transformers.models.deepseek_v3 import DeepseekV3Config, DeepseekV3ForCausalLM

    config = ours.config
    known = set(DeepseekV3Config().to_dict()) - {"model_type", "rope_scaling", "rope_theta"}
    fields = {name: value for name, value in config.model_dump().items() if name in known}
    assert config.rope_scaling is not None
    yarn = {**config.rope_scaling.model_dump(), "rope_theta": config.rope_theta}
    yarn["rope_type"] = yarn.pop("type")
    theirs = DeepseekV3ForCausalLM(DeepseekV3Config(**fields, rope_parameters=yarn)).eval()
    theirs.load_state_dict({_theirs(name): value for name, value in ours.state_dict().items()})
    norms: list[Any] = [m for name, m in theirs.named_modules() if name.endswith(LATENT_NORMS)]
    for norm in norms:
        norm.variance_epsilon = config.rms_norm_eps
    return theirs


def _theirs(name: str) -> str:
    prefix = "" if name.startswith("lm_head") else "model."
    return prefix + name.replace("gate_up_EGH", "gate_up_proj").replace("down_EHI", "down_proj")


def seconds(sides: Mapping[Side, Callable[[], object]], rounds: int) -> dict[Side, float]:
    """Wall seconds of each side, the median of rounds in which they take turns."""
    calls = {side: _calls(action) for side, action in sides.items()}
    taken: dict[Side, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, action in sides.items():
            taken[side].append(_timed(action, calls[side]))
    return {side: median(values) for side, values in taken.items()}


def _calls(action: Callable[[], object]) -> int:
    """How many fill a slice. What the first one sets up is not counted, unless it is that long."""
    first = _timed(action, 1)
    return 1 if first > LONG_S else ceil(SLICE_S / _timed(action, 1))


def _timed(action: Callable[[], object], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        action()
    return (time.perf_counter() - started) / calls


def threads() -> str:
    """For a note."""
    count = torch.get_num_threads()
    return f"{count} thread{'s' if count > 1 else ''}"

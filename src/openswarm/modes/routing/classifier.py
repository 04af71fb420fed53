"""The trained part: probabilities of the modes and an estimate of the width, in plain Python.

`weights.json` is written by `python -m bench.routing train`; it is read once, at first use.
"""

import json
import math
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from openswarm.core.task import Task
from openswarm.modes.routing.choice import MODES, RoutedMode
from openswarm.modes.routing.features import Features, has_own_tools

FILE = "weights.json"
MIN_WIDTH, MAX_WIDTH = 2, 1000
ALMOST_ALL = 0.5
"""From this share of the counted items on, each has a sub-agent of its own."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned, by the names of the features; a feature that it does not know counts 0."""

    modes: Mapping[str, tuple[float, ...]]
    """A weight for each of `MODES`."""
    width: Mapping[str, float]
    """What is added to the logarithm, to base 2, of the items that were counted."""
    temperature: float
    """By which scores are divided, so that probabilities are as frequent as they say."""
    ask_below: float
    """The confidence below which asking a model is worth its cost."""
    data: str
    """The hash of the tasks that it was trained on."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What the classifier takes for best."""

    mode: RoutedMode
    confidence: float
    """The probability that this mode is the best one."""
    width: int
    """0 where it is no swarm."""


@cache
def weights() -> Weights:
    """The weights that come with the package."""
    data = pkgutil.get_data("openswarm.modes.routing", FILE)
    assert data is not None, "weights.json is part of the package"
    raw = json.loads(data)
    return Weights(**raw | {"modes": {name: tuple(row) for name, row in raw["modes"].items()}})


def guess(features: Features, task: Task, learned: Weights) -> Guess:
    """The most probable of the modes that are possible for the task."""
    found = probabilities(features, task, learned)
    mode = max(found, key=lambda name: found[name])
    width = width_of(features, task, learned) if mode == "swarm" else 0
    return Guess(mode, round(found[mode], 4), width)


def possible(task: Task, num_tools: int) -> tuple[RoutedMode, ...]:
    """Modes that can do the task: one reply sees no documents and calls no tool that was given for
    it, and one sub-agent is no swarm."""
    ruled_out = {"instant", "thinking"} if task.over or has_own_tools(task, num_tools) else set()
    if min(task.limits.max_subagents, task.limits.depth * MAX_WIDTH) < MIN_WIDTH:
        ruled_out.add("swarm")
    return tuple(mode for mode in MODES if mode not in ruled_out)


def probabilities(features: Features, task: Task, learned: Weights) -> dict[RoutedMode, float]:
    """How probable it is of each possible mode that it is the best one."""
    scores = [0.0] * len(MODES)
    for name, value in features.values.items():
        if name in learned.modes:
            scores = [s + value * w for s, w in zip(scores, learned.modes[name], strict=True)]
    allowed = possible(task, features.num_tools)
    kept = {m: s / learned.temperature for m, s in zip(MODES, scores, strict=True) if m in allowed}
    top = max(kept.values())
    powers = {mode: math.exp(score - top) for mode, score in kept.items()}
    total = sum(powers.values())
    return {mode: power / total for mode, power in powers.items()}


def width_of(features: Features, task: Task, learned: Weights) -> int:
    """How many sub-agents: no more than the items that were counted, and than there may be."""
    learned_part = sum(x * learned.width.get(name, 0) for name, x in features.values.items())
    width = round(2 ** min(log_count(features) + learned_part, math.log2(MAX_WIDTH)))
    counted = features.count.number
    if counted and width >= ALMOST_ALL * counted:
        width = counted
    return min(max(MIN_WIDTH, width), task.limits.max_subagents)


def log_count(features: Features) -> float:
    """From where the estimate of the width starts: an item each, where items were counted."""
    return math.log2(max(1, features.count.number))

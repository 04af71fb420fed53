"""Trains the classifier: `python -m bench.routing train` writes the weights of the package.

A softmax over the features for the mode, and a ridge regression for the logarithm of the width.
The targets of the softmax are soft: a mode that is nearly as good as the best one is nearly as
right, and tasks on which a wrong mode costs much weigh more. Deterministic, about half a minute.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import openswarm.modes.routing
from bench.routing.oracle import MODES, WIDTHS, Choice, Facts, utility
from bench.routing.tasks import Labelled, all_tasks, data_hash
from openswarm.modes.routing.classifier import FILE, Weights, log_count
from openswarm.modes.routing.features import Features, features_of

Array = np.ndarray[Any, np.dtype[np.float64]]

TARGET = Path(openswarm.modes.routing.__file__).parent / FILE
SOFTNESS = 0.02
"""A mode that is worse by so much utility is aimed at a third as strongly."""
PENALTY = 0.002
"""Of the squares of the softmax's weights."""
REGRET_SHARE = 1.0
"""How much of the loss is the expected regret itself; the rest is cross-entropy."""
ROUNDS, RATE = 250, 0.05
RIDGE = 30.0


@dataclass(frozen=True, slots=True)
class Example:
    """A task as the training sees it."""

    labelled: Labelled
    features: Features
    utilities: tuple[float, ...]
    """Of `MODES`; the swarm's is that of its best width."""
    width: int
    """The best width, were it a swarm."""

    @property
    def best(self) -> int:
        """The index of the best mode."""
        return max(range(len(MODES)), key=lambda index: self.utilities[index])


@cache
def examples() -> tuple[Example, ...]:
    """All generated tasks."""
    return tuple(map(_example, all_tasks()))


def _example(labelled: Labelled) -> Example:
    swarm = best_swarm(labelled.facts)
    choices = [Choice("instant"), Choice("thinking"), Choice("agent"), swarm]
    utilities = tuple(utility(labelled.facts, choice) for choice in choices)
    features = features_of(labelled.task, labelled.num_tools)
    return Example(labelled, features, utilities, swarm.width)


def best_swarm(facts: Facts) -> Choice:
    """The best swarm, even where another mode is better."""
    widths = sorted({w for w in (*WIDTHS, facts.items) if 2 <= w <= facts.max_subagents} or {2})
    return max(
        (Choice("swarm", width) for width in widths), key=lambda choice: utility(facts, choice)
    )


def train(data: Sequence[Example]) -> Weights:
    """Weights without calibration: the temperature is 1, and nobody is asked."""
    names = sorted({name for example in data for name in example.features.values})
    inputs = matrix(data, names)
    modes = softmax_weights(inputs, np.array([example.utilities for example in data]), names)
    wide = [example for example in data if MODES[example.best] == "swarm"]
    beyond = [math.log2(example.width) - log_count(example.features) for example in wide]
    width = ridge_weights(matrix(wide, names), np.array(beyond), names)
    return Weights(
        modes={n: tuple(_rounded(row)) for n, row in zip(names, modes, strict=True) if row.any()},
        width={n: w for n, w in zip(names, _rounded(width), strict=True) if w},
        temperature=1.0,
        ask_below=0.0,
        data=data_hash(example.labelled for example in data),
    )


def matrix(data: Sequence[Example], names: Sequence[str]) -> Array:
    """The features as a matrix, a row for each task."""
    rows = [[example.features.values.get(name, 0.0) for name in names] for example in data]
    return np.array(rows).reshape(len(data), len(names))


def softmax_weights(inputs: Array, utilities: Array, names: Sequence[str]) -> Array:
    """By Adam on all tasks at once."""
    regrets = utilities.max(axis=1, keepdims=True) - utilities
    targets = _softmax(-regrets / SOFTNESS)
    importance = np.sort(regrets, axis=1)[:, 1:2] + 0.1  # what the second best mode costs
    importance /= importance.mean()
    penalty = np.array([[0.0 if name == "bias" else PENALTY] for name in names])
    weights = np.zeros((inputs.shape[1], utilities.shape[1]))
    speed, spread = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, ROUNDS + 1):
        chosen = _softmax(inputs @ weights)
        expected = (chosen * regrets).sum(axis=1, keepdims=True)
        errors = (chosen - targets) * importance + REGRET_SHARE * chosen * (regrets - expected)
        slope = inputs.T @ errors / len(inputs) + penalty * weights
        speed = 0.9 * speed + 0.1 * slope
        spread = 0.99 * spread + 0.01 * slope**2
        pace = np.sqrt(spread / (1 - 0.99**step)) + 1e-8
        weights -= RATE * speed / (1 - 0.9**step) / pace
    return weights


def ridge_weights(inputs: Array, targets: Array, names: Sequence[str]) -> Array:
    """Least squares with a penalty on large weights, but on those that say that nothing was
    counted: the estimate starts from 1 then."""
    free = ("bias", "items known")
    penalty = np.diag([0.01 if name in free else RIDGE for name in names])
    return np.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ targets)


def write(weights: Weights, target: Path = TARGET) -> None:
    """The weights as the package reads them."""
    target.write_text(as_text(weights), encoding="utf-8")


def as_text(weights: Weights) -> str:
    """A line a feature, so that changes can be read."""
    raw = asdict(weights)
    rows = {name: raw.pop(name) for name in ("modes", "width")}
    parts = [f'"{name}": {json.dumps(value)}' for name, value in raw.items()]
    for name, table in rows.items():
        lines = ",\n".join(f"{json.dumps(n)}: {json.dumps(row)}" for n, row in table.items())
        parts.append(f'"{name}": {{\n{lines}\n}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def calibrated(weights: Weights, temperature: float, ask_below: float) -> Weights:
    """The weights with what was found on kinds that they were not trained on."""
    return replace(weights, temperature=round(temperature, 3), ask_below=round(ask_below, 3))


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _rounded(numbers: Array) -> list[float]:
    return [float(number) for number in np.round(numbers, 3)]

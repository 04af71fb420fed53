"""Kinds held out: what the router does on kinds of tasks that it was not trained on.

Six folds, each with two kinds to test on, two to calibrate on and eight to train on; every kind is
tested on once. Beside them an ordinary random split, and the weights of the package.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

import numpy as np

from bench.routing.by_hand import Written, by_hand
from bench.routing.oracle import MODES, Choice, regret
from bench.routing.tasks import NAMES, Labelled
from bench.routing.train import Example, calibrated, examples, train
from openswarm.core.task import Task
from openswarm.modes.routing.classifier import Guess, Weights, guess, probabilities
from openswarm.modes.routing.features import features_of

FOLDS = tuple((NAMES[i], NAMES[i + 6]) for i in range(6))
"""The kinds that are held out together."""
TEMPERATURES = tuple(0.5 + 0.05 * step for step in range(51))
THRESHOLDS = tuple(0.05 * step for step in range(21))
CALL_COST = 0.02
"""Utility of one more call of a model before the work: some seconds and a fifth of a cent."""
ASKED_IS_RIGHT = 0.8
"""How often a model that is asked is assumed to choose the best mode, for `ask_below`."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A task, what was chosen for it, and what that costs."""

    example: Example
    guess: Guess
    regret: float

    @property
    def right(self) -> bool:
        """Whether the mode is the best one."""
        return MODES[self.example.best] == self.guess.mode


def judge(data: Sequence[Example], weights: Weights) -> list[Judged]:
    """The classifier's choices."""
    judged = []
    for example in data:
        found = guess(example.features, example.labelled.task, weights)
        cost = regret(example.labelled.facts, Choice(found.mode, found.width))
        judged.append(Judged(example, found, cost))
    return judged


@cache
def held_out() -> tuple[Judged, ...]:
    """Every task, judged by weights that have not seen its kind."""
    judged: list[Judged] = []
    for number, fold in enumerate(FOLDS):
        kept = FOLDS[(number + 1) % len(FOLDS)]
        weights = train([e for e in examples() if e.labelled.kind not in (*fold, *kept)])
        aside = [e for e in examples() if e.labelled.kind in kept]
        weights = replace(weights, temperature=temperature_for(aside, weights))
        judged += judge([e for e in examples() if e.labelled.kind in fold], weights)
    return tuple(judged)


@cache
def random_split() -> tuple[Judged, ...]:
    """A quarter of the tasks, judged by weights trained on the others."""
    shuffled = list(examples())
    Random(1).shuffle(shuffled)
    cut = len(shuffled) // 4
    return tuple(judge(shuffled[:cut], train(shuffled[cut:])))


@cache
def final() -> Weights:
    """The weights of the package: trained on all kinds, calibrated on kinds held out."""
    scales = []
    for fold in FOLDS:
        weights = train([e for e in examples() if e.labelled.kind not in fold])
        aside = [e for e in examples() if e.labelled.kind in fold]
        scales.append(temperature_for(aside, weights))
    threshold = threshold_for(held_out(), ASKED_IS_RIGHT)
    return calibrated(train(examples()), float(np.median(scales)), threshold)


def temperature_for(data: Sequence[Example], weights: Weights) -> float:
    """The temperature under which what happened is most probable."""
    return min(TEMPERATURES, key=lambda value: _surprise(data, replace(weights, temperature=value)))


def _surprise(data: Sequence[Example], weights: Weights) -> float:
    total = 0.0
    for example in data:
        found = probabilities(example.features, example.labelled.task, weights)
        total -= np.log(max(1e-6, found.get(MODES[example.best], 0.0)))
    return total


def threshold_for(judged: Sequence[Judged], right: float) -> float:
    """The confidence below which asking a model, right so often, makes the regret least."""
    return min(THRESHOLDS, key=lambda value: regret_asking(judged, value, right))


def regret_asking(judged: Sequence[Judged], below: float, right: float) -> float:
    """The mean regret where a model is asked below a confidence; its misses cost what the mean
    of the three other modes costs on that task."""
    total = 0.0
    for entry in judged:
        if entry.guess.confidence >= below:
            total += entry.regret
            continue
        best = max(entry.example.utilities)
        others = [
            best - u for i, u in enumerate(entry.example.utilities) if i != entry.example.best
        ]
        total += CALL_COST + (1 - right) * sum(others) / len(others)
    return total / len(judged)


@cache
def price_list() -> dict[str, dict[str, float]]:
    """What choosing one mode costs where another is best: the mean over the generated tasks. It
    prices the choices on hand-written tasks, whose facts nobody knows."""
    return {
        label: {
            mode: float(np.mean([
                max(e.utilities) - e.utilities[index]
                for e in examples() if MODES[e.best] == label
            ]))
            for index, mode in enumerate(MODES)
        }
        for label in MODES
    }  # fmt: skip


Chooser = Callable[[Task, int], Choice]


def classifier(weights: Weights) -> Chooser:
    """A chooser that is the classifier with these weights."""

    def choose(task: Task, num_tools: int) -> Choice:
        found = guess(features_of(task, num_tools), task, weights)
        return Choice(found.mode, found.width)

    return choose


@dataclass(frozen=True, slots=True)
class Score:
    """How good choices are: the share of best modes, and the mean regret."""

    accuracy: float
    regret: float
    tasks: int


def score(tasks: Sequence[Labelled], choose: Chooser) -> Score:
    """Of a chooser on generated tasks."""
    chosen = [choose(entry.task, entry.num_tools) for entry in tasks]
    right = [c.mode == entry.label.mode for c, entry in zip(chosen, tasks, strict=True)]
    costs = [regret(entry.facts, c) for c, entry in zip(chosen, tasks, strict=True)]
    return Score(float(np.mean(right)), float(np.mean(costs)), len(tasks))


def score_by_hand(choose: Chooser, tasks: Sequence[Written] = ()) -> Score:
    """Of a chooser on hand-written tasks, by the price list."""
    tasks = tasks or by_hand()
    chosen = [choose(entry.task, entry.num_tools) for entry in tasks]
    right = [c.mode == entry.label.mode for c, entry in zip(chosen, tasks, strict=True)]
    prices = price_list()
    costs = [prices[entry.label.mode][c.mode] for c, entry in zip(chosen, tasks, strict=True)]
    return Score(float(np.mean(right)), float(np.mean(costs)), len(tasks))

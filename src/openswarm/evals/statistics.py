"""Means with intervals, paired differences, rank correlation, best of n, budget to a target.

Owns the arithmetic, with the standard library alone; knows no run, arm or figure. What is random
comes from a generator of its own with a stated seed, so that the same numbers give the same
interval.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from openswarm.core.errors import UserError

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the percentile interval around it; all NaN where there was nothing."""

    mean: float
    low: float
    high: float
    count: int
    """How many values it is of."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The difference of two arms on the tasks that both did: first minus second."""

    difference: Interval
    better: float
    """Share of the resamples in which the first is ahead."""


def mean_interval(
    values: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """The mean with its 95 % percentile bootstrap interval.

    Each value is one task's: repeats of a task are averaged before, since they are not
    independent. The interval of a single value is that value.
    """
    return _around(values, _resampled(values, resamples, seed))


def _around(values: Sequence[float], means: Sequence[float]) -> Interval:
    """The mean of values with the interval that the means of their samples give."""
    if not values:
        return Interval(math.nan, math.nan, math.nan, 0)
    return Interval(
        values[0] if means[0] == means[-1] else sum(values) / len(values),
        quantile(means, (1 - LEVEL) / 2),
        quantile(means, (1 + LEVEL) / 2),
        len(values),
    )


def paired_difference(
    first: Mapping[str, float],
    second: Mapping[str, float],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Paired:
    """What the first has more than the second, over the tasks (keys) that both have."""
    shared = sorted(first.keys() & second.keys())
    values = [first[task] - second[task] for task in shared]
    means = _resampled(values, resamples, seed)
    better = sum(mean > 0 for mean in means) / len(means) if values else math.nan
    return Paired(_around(values, means), better)


def _resampled(values: Sequence[float], resamples: int, seed: int) -> list[float]:
    """The means of so many samples with replacement, in ascending order; of nothing none."""
    size = len(values)
    if not size:
        return []
    if len(set(values)) == 1:
        return [values[0]] * resamples
    choices = random.Random(seed).choices
    return sorted(sum(choices(values, k=size)) / size for _ in range(resamples))


def quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile of ascending values, interpolated between neighbours."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the average of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end + 1 < len(order) and values[order[end + 1]] == values[order[begin]]:
            end += 1
        for place in order[begin : end + 1]:
            found[place] = (begin + end) / 2 + 1
        begin = end + 1
    return found


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """The rank correlation; None where one side does not vary or there are fewer than two pairs.

    Raises `ValueError` for sequences of different lengths.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values cannot be paired with {len(second)}")
    if len(set(first)) < 2 or len(set(second)) < 2:
        return None
    one, two = ranks(first), ranks(second)
    middle = (len(one) + 1) / 2
    covariance = sum((a - middle) * (b - middle) for a, b in zip(one, two, strict=True))
    spread = sum((a - middle) ** 2 for a in one) * sum((b - middle) ** 2 for b in two)
    return max(-1.0, min(1.0, covariance / math.sqrt(spread)))


def avg_at(trials: Mapping[str, Sequence[float]], number: int) -> float:
    """avg@n: the mean over tasks of the mean of the first `number` trials.

    Raises `UserError` that names a task with fewer trials.
    """
    return _over_tasks(trials, number, lambda values: sum(values) / len(values))


def max_at(trials: Mapping[str, Sequence[float]], number: int) -> float:
    """max@n: the mean over tasks of the best of the first `number` trials; errors as `avg_at`."""
    return _over_tasks(trials, number, max)


Take = Callable[[Sequence[float]], float]


def _over_tasks(trials: Mapping[str, Sequence[float]], number: int, take: Take) -> float:
    for task, values in trials.items():
        if len(values) < number:
            raise UserError(f"task {task} has {len(values)} trials, and {number} are asked for")
    if not trials or number < 1:
        return math.nan
    return sum(take(values[:number]) for values in trials.values()) / len(trials)


def least_budget(reached: Mapping[int, float], target: float) -> int | None:
    """The least budget whose mean reaches the target; None where none does."""
    return min((budget for budget, mean in reached.items() if mean >= target - 1e-12), default=None)

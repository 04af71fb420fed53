"""Equal quality: what an arm needs in critical steps to be as good as the baseline.

Every number is of the tasks that all arms did, a task's repeats (seeds) being averaged first; an
interval is over tasks. Owns how arms are matched, with the standard library alone.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal

from openswarm.evals.comparison import BASELINE
from openswarm.evals.statistics import Interval, mean_interval, quantile

if TYPE_CHECKING:
    from openswarm.parl.results import Result

MARGIN = 0.01
"""How far below the reference a quality still counts as equal."""
RESAMPLES = 1000
Quality = Literal["item_f1", "success"]
FIELDS = (
    "item_f1", "success", "critical_steps", "total_steps", "seconds", "tokens", "correct_cells",
    "spawned", "group",
)  # fmt: skip
"""What is averaged, by its name in a result."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One arm on one test: for each budget and field, a value a task in the order of `tasks`."""

    arm: str
    tasks: tuple[str, ...]
    values: Mapping[int, Mapping[str, tuple[float, ...]]]

    @property
    def largest(self) -> int:
        """The most generous budget; 0, which is none at all, before any other."""
        return max(self.values, key=lambda budget: budget or inf)

    def mean(self, budget: int, field: str, chosen: Sequence[int] | None = None) -> float:
        """The mean over tasks, or over those at the `chosen` places."""
        values = self.values[budget][field]
        if chosen is None:
            return sum(values) / len(values)
        return sum(map(values.__getitem__, chosen)) / len(chosen)

    def least(
        self, quality: Quality, target: float, chosen: Sequence[int] | None = None
    ) -> tuple[float, int] | None:
        """The fewest mean critical steps of any budget whose mean quality reaches the target, and
        that budget; None where none does."""
        reached = (
            (self.mean(budget, "critical_steps", chosen), budget)
            for budget in self.values
            if self.mean(budget, quality, chosen) >= target - 1e-12
        )
        return min(reached, default=None)

    def interval(self, budget: int, field: str) -> Interval:
        """The mean over tasks with its 95 % interval."""
        return mean_interval(self.values[budget][field])


def curves_of(results: Sequence["Result"]) -> dict[str, Curve]:
    """The curve of each arm, of results of one test or of a part of it.

    Only tasks that every arm did are in it, and of each arm the budgets at which it did all of
    them; an arm without such a budget is left out.
    """
    found: dict[str, dict[int, dict[str, list[Result]]]] = {}
    for result in results:
        runs = found.setdefault(result.arm, {}).setdefault(result.budget, {})
        runs.setdefault(result.task, []).append(result)
    did = [{task for runs in budgets.values() for task in runs} for budgets in found.values()]
    tasks = tuple(sorted(set.intersection(*did))) if did else ()
    curves = {}
    for arm in sorted(found, key=lambda arm: arm != BASELINE):
        whole = {
            b: runs for b, runs in sorted(found[arm].items()) if tasks and runs.keys() >= {*tasks}
        }
        if whole:
            curves[arm] = Curve(arm, tasks, {b: _means(tasks, runs) for b, runs in whole.items()})
    return curves


def _means(
    tasks: Sequence[str], runs: Mapping[str, Sequence["Result"]]
) -> dict[str, tuple[float, ...]]:
    return {
        field: tuple(
            sum(getattr(run, field) for run in runs[task]) / len(runs[task]) for task in tasks
        )
        for field in FIELDS
    }


@dataclass(frozen=True, slots=True)
class Matched:
    """One arm beside the baseline at equal quality.

    The target is the baseline's mean quality at its most generous budget, less `MARGIN`. Each side
    is taken at the budget at which it reaches the target with the fewest critical steps (the mean
    of what was used, not of what was allowed); so an arm that is fast by being worse gains
    nothing. What an arm does not reach is None, and so is everything where the target is not above
    0: as good as nothing is no quality.
    """

    target: float
    budget: int | None
    critical_steps: float | None
    ratio: float | None
    """The baseline's critical steps over the arm's: how many times fewer it needs."""
    low: float | None
    high: float | None
    """Of the ratio, from samples of tasks that are the same for both sides, with target and
    budgets chosen anew in each. A sample in which the arm does not reach the target, or the target
    is not above 0, counts as 0."""
    reached: float
    """The share of samples in which the arm reaches the target."""
    runtime: float | None
    """Its simulated seconds over the baseline's, less 1: -0.8 is 80 % down."""
    tokens: float | None
    """Its tokens over the baseline's."""


def matched(
    baseline: Curve, arm: Curve, quality: Quality = "item_f1", resamples: int = RESAMPLES
) -> Matched:
    """An arm beside the baseline at equal quality; both curves are of the same tasks."""
    if baseline.tasks != arm.tasks:
        raise ValueError(f"{arm.arm} and {baseline.arm} did not do the same tasks")
    target = baseline.mean(baseline.largest, quality) - MARGIN
    if target <= 0:
        return Matched(target, None, None, None, None, None, 0.0, None, None)
    own, other = arm.least(quality, target), baseline.least(quality, target)
    ratios = sorted(_ratios(baseline, arm, quality, resamples))
    low, high = (quantile(ratios, share) for share in (0.025, 0.975))
    reached = sum(ratio > 0 for ratio in ratios) / len(ratios)
    if own is None or other is None:
        return Matched(target, None, None, None, low, high, reached, None, None)

    def against(field: str) -> float | None:
        unit = baseline.mean(other[1], field)
        return arm.mean(own[1], field) / unit if unit else None

    runtime = against("seconds")
    return Matched(
        target=target,
        budget=own[1],
        critical_steps=own[0],
        ratio=other[0] / own[0] if own[0] else None,
        low=low,
        high=high,
        reached=reached,
        runtime=None if runtime is None else runtime - 1,
        tokens=against("tokens"),
    )


def _ratios(baseline: Curve, arm: Curve, quality: Quality, resamples: int) -> Iterator[float]:
    places = range(len(arm.tasks))
    choices = random.Random(f"matched/{quality}").choices
    for _ in range(resamples):
        chosen = choices(places, k=len(places))
        target = baseline.mean(baseline.largest, quality, chosen) - MARGIN
        if target <= 0:
            yield 0.0
            continue
        own, other = arm.least(quality, target, chosen), baseline.least(quality, target, chosen)
        yield other[0] / own[0] if own and other and own[0] else 0.0

"""What trained arms come to on the tests: a line an arm, when it spawns, and time to a target.

Every number is of the tasks that all arms did, a task's repeats (seeds) being averaged first; an
interval is over tasks, so the spread over seeds is shown beside it and not in it. Owns which
rollouts a number is of, with the standard library alone. Draws nothing and reads no file.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from openswarm.evals.comparison import BASELINE
from openswarm.evals.statistics import (
    Interval,
    Paired,
    mean_interval,
    paired_difference,
    spearman,
)
from openswarm.parl.matched import RESAMPLES, Curve, Matched, curves_of, matched

if TYPE_CHECKING:
    from openswarm.parl.results import Result

TARGETS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Item-F1 to be reached; the report's Figure 8 has 0.3 to 0.7."""
BINS = ((1, 4), (5, 8), (9, 12), (13, 23), (24, None))
"""Widths that are looked at together, both ends included."""


def arms_of(results: Iterable["Result"]) -> list[str]:
    """The arms: the baseline first, then in the order in which they came."""
    arms = dict.fromkeys(result.arm for result in results)
    return sorted(arms, key=lambda arm: arm != BASELINE)


def tests_of(results: Iterable["Result"]) -> list[str]:
    """The tests, in the order in which they came."""
    return list(dict.fromkeys(result.test for result in results))


@dataclass(frozen=True, slots=True)
class Line:
    """One arm on one test: at its most generous budget, and at equal quality."""

    test: str
    arm: str
    seeds: int
    tasks: int
    budget: int
    item_f1: Interval
    success: Interval
    critical_steps: float
    seconds: float
    """Simulated, of the longest path."""
    tokens: float
    spawned: float
    group: float
    cells: float
    """Correct cells per 1,000 tokens of all agents."""
    at_f1: Matched
    at_success: Matched
    by_seed: tuple[float | None, ...]
    """The ratio at equal item-F1 of each seed alone; None where it does not reach the target."""


def lines_of(results: Sequence["Result"], resamples: int = RESAMPLES) -> list[Line]:
    """A line for each test and arm. The baseline is `single`, else the first arm."""
    made: list[Line] = []
    for test in tests_of(results):
        own = [result for result in results if result.test == test]
        curves = curves_of(own)
        made += [
            _line(test, curve, baseline, own, resamples)
            for baseline in [*curves.values()][:1]
            for curve in curves.values()
        ]
    return made


def _line(
    test: str, curve: Curve, baseline: Curve, results: Sequence["Result"], resamples: int
) -> Line:
    budget = curve.largest
    tokens = curve.mean(budget, "tokens")
    ratios = _by_seed(results, baseline.arm, curve.arm)
    return Line(
        test=test,
        arm=curve.arm,
        seeds=len(ratios),
        tasks=len(curve.tasks),
        budget=budget,
        item_f1=curve.interval(budget, "item_f1"),
        success=curve.interval(budget, "success"),
        critical_steps=curve.mean(budget, "critical_steps"),
        seconds=curve.mean(budget, "seconds"),
        tokens=tokens,
        spawned=curve.mean(budget, "spawned"),
        group=curve.mean(budget, "group"),
        cells=1000 * curve.mean(budget, "correct_cells") / tokens if tokens else 0.0,
        at_f1=matched(baseline, curve, "item_f1", resamples),
        at_success=matched(baseline, curve, "success", resamples),
        by_seed=tuple(ratios.values()),
    )


def _by_seed(results: Sequence["Result"], baseline: str, arm: str) -> dict[int, float | None]:
    """Each seed of an arm against the same seed of the baseline, or against all of its seeds."""
    known = {result.seed for result in results if result.arm == baseline}
    ratios: dict[int, float | None] = {}
    for seed in sorted({result.seed for result in results if result.arm == arm}):
        against = {seed} & known or known
        curves = curves_of([
            result
            for result in results
            if (result.arm == arm and result.seed == seed)
            or (result.arm == baseline != arm and result.seed in against)
        ])  # fmt: skip
        both = {baseline, arm} <= curves.keys()
        ratios[seed] = matched(curves[baseline], curves[arm], resamples=1).ratio if both else None
    return ratios


@dataclass(frozen=True, slots=True)
class Habit:
    """When an arm spawns, over the tasks of all tests at its most generous budget."""

    arm: str
    all_widths: float | None
    """Spearman's correlation of sub-agents started and true width, a control's being 0."""
    wide_alone: float | None
    """The same without controls."""
    tasks: int
    control_spawned: float | None
    """The share of controls with a sub-agent, of all repeats; None without controls."""
    control_success: Interval
    control_lost: Paired
    """Success on controls, the arm's minus the baseline's."""


def habits_of(results: Sequence["Result"]) -> list[Habit]:
    """A habit for each arm."""
    arms = arms_of(results)
    largest = {arm: generous(result for result in results if result.arm == arm) for arm in arms}
    made = []
    for arm in arms:
        runs = largest[arm]
        widths = {run.task: float(run.width) for run in runs}
        spawned = _by_task(runs, "spawned")
        wide = [task for task, width in widths.items() if width]
        controls = [run for run in runs if not run.width]
        success = _by_task(controls, "success")
        other = _by_task([run for run in largest[arms[0]] if not run.width], "success")
        made.append(
            Habit(
                arm=arm,
                all_widths=spearman([*widths.values()], [spawned[task] for task in widths]),
                wide_alone=spearman([widths[t] for t in wide], [spawned[t] for t in wide]),
                tasks=len(widths),
                control_spawned=_share(run.spawned > 0 for run in controls),
                control_success=mean_interval([*success.values()]),
                control_lost=paired_difference(success, other),
            )
        )
    return made


def generous(results: Iterable["Result"]) -> list["Result"]:
    """Of each test, what was made at its most generous budget."""
    tests: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        tests[result.test].append(result)
    return [
        run
        for runs in tests.values()
        for largest in (max(run.budget or inf for run in runs),)
        for run in runs
        if (run.budget or inf) == largest
    ]


def _by_task(results: Iterable["Result"], field: str) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for result in results:
        found[result.task].append(float(getattr(result, field)))
    return {task: sum(values) / len(values) for task, values in found.items()}


def _share(facts: Iterable[bool]) -> float | None:
    found = list(facts)
    return sum(found) / len(found) if found else None


@dataclass(frozen=True, slots=True)
class Target:
    """What an arm needs to reach an item-F1 on a test; None where it never does."""

    test: str
    arm: str
    target: float
    critical_steps: float | None
    relative: float | None
    """Over what the baseline needs for the lowest target that it reaches."""


def targets_of(
    results: Sequence["Result"], targets: Sequence[float] = TARGETS
) -> dict[str, list[Target]]:
    """By test, the fewest mean critical steps to each item-F1, in the form of the report's
    Figure 8; a test is left out whose baseline reaches no target."""
    made: dict[str, list[Target]] = {}
    for test in tests_of(results):
        curves = curves_of([result for result in results if result.test == test])
        reached = {
            (arm, target): least[0]
            for arm, curve in curves.items()
            for target in targets
            if (least := curve.least("item_f1", target))
        }
        first = next(iter(curves), "")
        unit = next((reached[first, t] for t in targets if (first, t) in reached), None)
        if unit:
            made[test] = [
                Target(test, arm, target, steps, steps / unit if steps is not None else None)
                for arm in curves
                for target in targets
                for steps in (reached.get((arm, target)),)
            ]
    return made


def by_width(results: Sequence["Result"], resamples: int = RESAMPLES) -> list[Line]:
    """A line for each bin of widths and arm, over all tests; `test` names the bin."""
    made = []
    for low, high in BINS:
        own = [r for r in results if low <= r.width and (high is None or r.width <= high)]
        name = f"{low}+" if high is None else f"{low}-{high}"
        curves = curves_of(own)
        made += [
            _line(name, curve, baseline, own, resamples)
            for baseline in [*curves.values()][:1]
            for curve in curves.values()
        ]
    return made

"""The results of the tests as figures: quality against steps and tokens, targets, spawns and width.

Owns which numbers each figure has; their looks are those of `evals.figures`, so that an eval and a
training's tests read alike.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from openswarm.evals.comparison import Series
from openswarm.evals.figures import Looks, write_series
from openswarm.evals.statistics import spearman
from openswarm.parl.matched import Curve, curves_of
from openswarm.parl.tables import TARGETS, arms_of, generous, targets_of, tests_of

if TYPE_CHECKING:
    from openswarm.parl.results import Result


def write_result_figures(results: Sequence["Result"], out: Path, command: str) -> list[Path]:
    """Draws every figure that the results have numbers for, each as PNG and CSV.

    Blocks. Raises `SettingsError` where matplotlib is missing, `UserError` for a folder that
    cannot be written and for a command that is more than a line.
    """
    return write_series(every_series(results), Looks(arms_of(results)), out, command)


def every_series(results: Sequence["Result"]) -> dict[str, Series]:
    """The numbers of each figure by the stem of its files; those without a row are left out."""
    made: dict[str, Series] = {}
    for test in tests_of(results):
        own = [result for result in results if result.test == test]
        curves = curves_of(own)
        for series in (steps_curve(test, curves), tokens_curve(test, curves), to_target(test, own)):
            made[f"{test}-{series.name}"] = series
    made["spawned-width"] = spawned_width(results)
    return {stem: series for stem, series in made.items() if series.rows}


def steps_curve(test: str, curves: dict[str, Curve]) -> Series:
    """Item-F1 against the budget of critical steps, a row for each arm and budget."""
    rows = [
        (arm, budget, *_shown(curve, budget), curve.mean(budget, "critical_steps"))
        for arm, curve in curves.items()
        for budget in curve.values
        if budget
    ]
    columns = ("arm", "budget", "item_f1", "low", "high", "tasks", "critical_steps")
    title = f"{test}: item-F1 at equal critical steps"
    return Series("f1-critical-steps", title, columns, tuple(rows))


def tokens_curve(test: str, curves: dict[str, Curve]) -> Series:
    """Item-F1 against the tokens that were used, a row for each arm and budget."""
    rows = [
        (arm, curve.mean(budget, "tokens"), *_shown(curve, budget), budget)
        for arm, curve in curves.items()
        for budget in curve.values
        if curve.mean(budget, "tokens")
    ]
    columns = ("arm", "tokens", "item_f1", "low", "high", "tasks", "budget")
    title = f"{test}: item-F1 against tokens"
    return Series("f1-tokens-used", title, columns, tuple(sorted(rows, key=lambda row: row[:2])))


def _shown(curve: Curve, budget: int) -> tuple[float, float, float, int]:
    found = curve.interval(budget, "item_f1")
    return found.mean, found.low, found.high, found.count


def to_target(test: str, results: Sequence["Result"], targets: Sequence[float] = TARGETS) -> Series:
    """Critical steps to each item-F1, relative to the baseline's at the lowest that it reaches."""
    found = targets_of(results, targets).get(test, [])
    unit = next((t for t in found if t.relative == 1 and t.arm == found[0].arm), None)
    note = (
        f"1 is what {unit.arm} needs for {unit.target:.0%}: {unit.critical_steps:.1f} critical"
        " steps, on average"
        if unit
        else ""
    )
    rows = tuple((t.arm, t.target, t.critical_steps, t.relative) for t in found)
    columns = ("arm", "target", "critical_steps", "relative")
    return Series("time-to-target", f"{test}: critical steps to an item-F1", columns, rows, note)


def spawned_width(results: Sequence["Result"]) -> Series:
    """Sub-agents started against true width, a row for each arm that starts any and task."""
    rows: list[tuple[str, str, int, float]] = []
    notes: list[str] = []
    for arm in arms_of(results):
        runs = generous(result for result in results if result.arm == arm)
        widths = {run.task: run.width for run in runs}
        started = {
            task: sum(own) / len(own)
            for task in widths
            for own in ([run.spawned for run in runs if run.task == task],)
        }
        if any(started.values()):
            rows += [(arm, task, widths[task], count) for task, count in started.items()]
            rank = spearman([*map(float, widths.values())], [started[task] for task in widths])
            notes.append(f"{arm}: Spearman {'–' if rank is None else f'{rank:.2f}'}")
    columns = ("arm", "task", "width", "spawned")
    title = "Sub-agents started and true width, at the most generous budget"
    return Series("spawned-width", title, columns, tuple(rows), "; ".join(notes))

"""What `openswarm train` shows: how far it is, and tables in Markdown."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from openswarm.cli.exits import say

if TYPE_CHECKING:
    from openswarm.evals.statistics import Interval
    from openswarm.parl import tables
    from openswarm.parl.matched import Matched
    from openswarm.parl.trainer import Progress as Update

Told = Callable[[int, int, str], None]
"""Gets what is done, what is wanted, and a line about the last."""


@contextmanager
def progress_of(noun: str) -> Iterator[Told]:
    """What is told of each piece of work that is done: a bar, or a line for every tenth of it."""
    console = Console(stderr=True, highlight=False, markup=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Tenths(noun)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, speed_estimate_period=600) as bars:
        bar = bars.add_task(noun, total=None)
        yield lambda done, total, line: bars.update(
            bar, description=line, completed=done, total=total
        )


class _Tenths:
    """Says the first piece, and each tenth once."""

    def __init__(self, noun: str) -> None:
        self._noun, self._said = noun, -1

    def __call__(self, done: int, total: int, line: str) -> None:
        tenth = 10 * done // max(1, total)
        if tenth != self._said or done == total:
            self._said = tenth
            say(f"{done} of {total} {self._noun}; {line}")


def update_line(update: "Update") -> str:
    """An update in a line; a dash where it had no wide task, or no control."""
    figures = update.figures
    shown = (
        ("reward", update.reward, ".3f"), ("item-F1", figures.item_f1, ".3f"),
        ("group", figures.wide_group, ".2f"), ("critical steps", figures.wide_critical, ".1f"),
        ("controls that spawn", figures.control_spawned, ".0%"),
    )  # fmt: skip
    return "  ".join(
        f"{name} {'–' if math.isnan(value) else format(value, form)}" for name, value, form in shown
    )


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first two columns to the left, figures to the right."""
    marks = ["---" if place < 2 else "---:" for place in range(len(columns))]
    lines = (
        f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
        for row in (columns, marks, *rows)
    )
    return "\n".join(lines) + "\n"


def lines_table(lines: Sequence["tables.Line"], first: str = "test") -> str:
    """A row a test and arm, at its most generous budget."""
    columns = (
        first, "arm", "seeds", "tasks", "item-F1", "success", "critical steps", "seconds",
        "tokens", "spawned", "group", "cells / 1k tokens",
    )  # fmt: skip
    rows = [
        [
            line.test, line.arm, str(line.seeds), str(line.tasks), _interval(line.item_f1),
            _interval(line.success), f"{line.critical_steps:.1f}", f"{line.seconds:.0f}",
            f"{line.tokens:,.0f}", f"{line.spawned:.1f}", f"{line.group:.1f}", f"{line.cells:.2f}",
        ]
        for line in lines
    ]  # fmt: skip
    return markdown(columns, rows)


def matched_table(lines: Sequence["tables.Line"], first: str = "test") -> str:
    """A row a test and arm, at the budgets at which it is as good as the baseline."""
    columns = (
        first, "arm", "item-F1 to reach", "critical steps", "times fewer", "of each seed",
        "seconds", "tokens", "times fewer at equal success",
    )  # fmt: skip
    rows = [
        [
            line.test, line.arm, _figure(max(0.0, line.at_f1.target) or None, ".3f"),
            _figure(line.at_f1.critical_steps, ".1f"), _times(line.at_f1),
            ", ".join(_figure(ratio, ".2f") for ratio in line.by_seed),
            _figure(line.at_f1.runtime, "+.0%"), _figure(line.at_f1.tokens, ".2f", " ×"),
            _times(line.at_success),
        ]
        for line in lines
    ]  # fmt: skip
    return markdown(columns, rows)


def _interval(found: "Interval") -> str:
    if not found.count:
        return "–"
    return f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})"


def _figure(value: float | None, form: str, unit: str = "") -> str:
    return "–" if value is None else f"{value:{form}}{unit}"


def _times(found: "Matched") -> str:
    """The ratio with its interval; where the target is missed, how many samples reach it.

    Nothing where the baseline has no quality that could be reached.
    """
    if found.target <= 0:
        return "–"
    if found.ratio is None:
        return f"not reached ({found.reached:.0%} of samples)"
    return f"{found.ratio:.2f} × ({found.low:.2f} to {found.high:.2f})"


def habits_table(habits: Sequence["tables.Habit"]) -> str:
    """A row an arm: how spawning follows width, and what controls show."""
    columns = (
        "arm", "tasks", "Spearman, spawned and width", "of wide tasks alone",
        "controls with a sub-agent", "success on controls", "against the baseline",
    )  # fmt: skip
    rows = [
        [
            habit.arm, str(habit.tasks), _figure(habit.all_widths, ".2f"),
            _figure(habit.wide_alone, ".2f"), _figure(habit.control_spawned, ".1%"),
            _interval(habit.control_success), _difference(habit.control_lost.difference),
        ]
        for habit in habits
    ]  # fmt: skip
    return markdown(columns, rows)


def _difference(found: "Interval") -> str:
    if not found.count:
        return "–"
    return f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def targets_table(targets: Sequence["tables.Target"]) -> str:
    """A row an arm of one test: critical steps to each item-F1, and relative to the unit."""
    wanted = list(dict.fromkeys(target.target for target in targets))
    found = {(target.arm, target.target): target for target in targets}
    arms = dict.fromkeys(target.arm for target in targets)
    columns = ("test", "arm", *(f"F1 {target:.0%}" for target in wanted))
    rows = [
        [targets[0].test, arm, *(_target(found[arm, target]) for target in wanted)] for arm in arms
    ]
    return markdown(columns, rows)


def _target(found: "tables.Target") -> str:
    if found.critical_steps is None or found.relative is None:
        return "–"
    return f"{found.critical_steps:.1f} ({found.relative:.2f} ×)"

"""What `openswarm eval` shows: how far it is, and a line for each arm at the end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from openswarm.cli.exits import say
from openswarm.cli.result import output, print_grid
from openswarm.cli.tables import grid
from openswarm.cli.text import dollars, one_line, tokens

if TYPE_CHECKING:
    from openswarm.evals.budgets import Budget
    from openswarm.evals.comparison import Line
    from openswarm.evals.results import Episode
    from openswarm.evals.statistics import Interval, Paired

OnEpisode = Callable[["Episode", int, int], None]


@contextmanager
def progress_of_runs() -> Iterator[OnEpisode]:
    """What is told of each run that is done: a bar, or a line for every tenth of them."""
    console = Console(stderr=True, highlight=False, markup=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Tenths()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("runs", total=None)

        def tell(episode: "Episode", done: int, total: int) -> None:
            bars.update(bar, description=_said(episode), completed=done, total=total)
            if episode.error:
                bars.console.print(f"{episode.task} {episode.arm}: {one_line(episode.error, 300)}")

        yield tell


class _Tenths:
    """Says each tenth once, and each error."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, episode: "Episode", done: int, total: int) -> None:
        if episode.error:
            say(f"{episode.task} {episode.arm}: {one_line(episode.error, 300)}")
        tenth = 10 * done // max(1, total)
        if tenth > self._said:
            self._said = tenth
            say(f"{done} of {total} runs; {_said(episode)}")


def _said(episode: "Episode") -> str:
    return f"{episode.arm} {episode.family}: item-F1 {episode.score.item_f1:.2f}"


def print_summary(lines: Sequence["Line"]) -> None:
    """A table on standard output: a line for each arm and budget; on a narrow terminal without
    the figures that say least."""
    page = output()
    narrow = page.is_terminal and page.width < WIDE
    errors = any(line.errors for line in lines)
    columns = [
        name for name in FIGURES if not (narrow and name in LEAST) and (errors or name != "errors")
    ]
    made = grid(page, ("arm", "budget"), columns)
    if narrow:
        made.padding = (0, 0)
    last = None
    for line in lines:
        if last is not None and line.budget != last:
            made.add_section()
        last = line.budget
        shown = [FIGURES[name](line) for name in columns]
        made.add_row(Text(one_line(line.arm, 40)), Text(_budget(line.budget)), *shown)
    print_grid(page, made)


def _budget(budget: "Budget") -> str:
    if budget.kind == "critical_steps":
        return f"{budget.amount} steps"
    return f"{tokens(budget.amount)} tok" if budget.kind == "tokens" else "none"


def _against(paired: "Paired | None") -> str:
    """The difference; a star where its interval is of several tasks and leaves out 0."""
    if paired is None:
        return ""
    found = paired.difference
    star = " *" if found.count > 1 and (found.low > 0 or found.high < 0) else ""
    return f"{found.mean:+.3f}{star}"


FIGURES: dict[str, Callable[["Line"], str]] = {
    "item-F1": lambda line: f"{line.item_f1.mean:.3f}",
    "95 %": lambda line: f"{line.item_f1.low:.2f}–{line.item_f1.high:.2f}",
    "against": lambda line: _against(line.against),
    "row-F1": lambda line: f"{line.row_f1.mean:.3f}",
    "success": lambda line: f"{line.success.mean:.3f}",
    "critical": lambda line: f"{line.critical_steps:.1f}",
    "tokens": lambda line: tokens(round(line.tokens)),
    "cost": lambda line: dollars(line.cost_usd),
    "spawned": lambda line: f"{line.spawned:.1f}",
    "runs": lambda line: str(line.runs),
    "errors": lambda line: str(line.errors or ""),
}
LEAST = ("row-F1", "success", "runs")
WIDE = 110
"""Columns of a terminal that all figures fit into."""


def line_object(line: "Line") -> dict[str, Any]:
    """A line of the summary in the object of `--json`, with exactly these keys."""
    return {
        "arm": line.arm,
        "budget": {"kind": line.budget.kind, "amount": line.budget.amount},
        "item_f1": _interval(line.item_f1),
        "row_f1": _interval(line.row_f1),
        "success": _interval(line.success),
        "against_baseline": line.against and _interval(line.against.difference),
        "critical_steps": line.critical_steps,
        "tokens": line.tokens,
        "cost_usd": line.cost_usd,
        "spawned": line.spawned,
        "parallelism": line.parallelism,
        "runs": line.runs,
        "errors": line.errors,
    }


def _interval(found: "Interval") -> dict[str, float]:
    return {"mean": found.mean, "low": found.low, "high": found.high, "tasks": found.count}


def print_families(families: Sequence[dict[str, str]]) -> None:
    """The families, a line each."""
    page = output()
    made = grid(page, ("family", "kinds"), (), "summary")
    for family in families:
        made.add_row(*map(Text, (family["family"], family["kinds"], family["summary"])))
    print_grid(page, made)


def print_scores(rows: Sequence[tuple[str, str]]) -> None:
    """Names and figures of a scoring, a line each."""
    page = output()
    made = grid(page, ("figure",), ("value",))
    for name, value in rows:
        made.add_row(Text(name), value)
    print_grid(page, made)

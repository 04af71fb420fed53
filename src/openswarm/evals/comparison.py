"""From episodes to the figures' numbers: arms beside each other, at equal budgets, with intervals.

Owns which runs a number is of. Every interval is over tasks, a task's repeats being averaged
before. Draws nothing and reads no file.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from openswarm.evals.budgets import FREE, Budget, BudgetKind
from openswarm.evals.results import Episode
from openswarm.evals.statistics import (
    Interval,
    Paired,
    least_budget,
    mean_interval,
    paired_difference,
    spearman,
)

BASELINE = "single"
"""The arm that others are compared with, where it is there; else the first one."""
TARGETS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
"""Item-F1 to be reached, as in the report's Figure 8."""
Value = Callable[[Episode], float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """The numbers of one figure, as rows of equal columns."""

    name: str
    """The stem of its files."""
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""

    def records(self) -> list[dict[str, Any]]:
        """The rows as objects."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Line:
    """One arm at one budget, in the summary's table."""

    arm: str
    budget: Budget
    item_f1: Interval
    row_f1: Interval
    success: Interval
    critical_steps: float
    tokens: float
    cost_usd: float | None
    spawned: float
    parallelism: float
    runs: int
    errors: int
    against: Paired | None
    """Its item-F1 minus the baseline's, on the same tasks; None for the baseline itself."""


def summary(episodes: Sequence[Episode]) -> list[Line]:
    """A line for each arm and budget, in the order in which arms came."""
    groups = by_arm_and_budget(episodes)
    first = baseline_of(episodes)
    lines: list[Line] = []
    for (arm, budget), runs in sorted(groups.items(), key=lambda item: item[0][1]):
        other = groups.get((first, budget), [])
        costs = [run.cost_usd for run in runs if run.cost_usd is not None]
        lines.append(
            Line(
                arm=arm,
                budget=budget,
                item_f1=interval(runs, item_f1),
                row_f1=interval(runs, lambda run: run.score.row_f1),
                success=interval(runs, lambda run: run.score.success),
                critical_steps=average(run.metrics.critical_steps for run in runs),
                tokens=average(run.tokens for run in runs),
                cost_usd=average(costs) if costs else None,
                spawned=average(run.metrics.spawned for run in runs),
                parallelism=average(run.metrics.parallelism for run in runs),
                runs=len(runs),
                errors=sum(bool(run.error) for run in runs),
                against=None if arm == first else _against(runs, other),
            )
        )
    return lines


def _against(runs: Sequence[Episode], other: Sequence[Episode]) -> Paired | None:
    return paired_difference(by_task(runs, item_f1), by_task(other, item_f1)) if other else None


def item_f1(episode: Episode) -> float:
    """The score that arms are compared by."""
    return episode.score.item_f1


def average(values: Iterable[float]) -> float:
    """The mean; 0 of nothing."""
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def arms_of(episodes: Iterable[Episode]) -> list[str]:
    """The names of arms, in the order in which they came."""
    return list(dict.fromkeys(episode.arm for episode in episodes))


def baseline_of(episodes: Sequence[Episode]) -> str:
    """The arm that others are compared with."""
    arms = arms_of(episodes)
    return BASELINE if BASELINE in arms else next(iter(arms), "")


def by_arm_and_budget(episodes: Iterable[Episode]) -> dict[tuple[str, Budget], list[Episode]]:
    """The runs of each arm at each budget."""
    groups: dict[tuple[str, Budget], list[Episode]] = defaultdict(list)
    for episode in episodes:
        groups[episode.arm, episode.spent_under].append(episode)
    return dict(groups)


def by_task(episodes: Iterable[Episode], value: Value) -> dict[str, float]:
    """A task's mean over its repeats; runs without the value are left out."""
    found: dict[str, list[float]] = defaultdict(list)
    for episode in episodes:
        number = value(episode)
        if number is not None:
            found[episode.task].append(number)
    return {task: average(numbers) for task, numbers in found.items()}


def interval(episodes: Iterable[Episode], value: Value) -> Interval:
    """The mean of a value over tasks, with its interval."""
    return mean_interval([*by_task(episodes, value).values()])


def at_largest_budget(episodes: Sequence[Episode]) -> tuple[Budget, list[Episode]]:
    """The runs at one budget, where arms are compared in a single number: the free one if there
    is one, else the most critical steps, else the most tokens."""
    budgets = {episode.spent_under for episode in episodes}
    if FREE in budgets or not budgets:
        chosen = FREE
    else:
        kinds: tuple[BudgetKind, ...] = ("critical_steps", "tokens")
        kind = next(kind for kind in kinds if any(budget.kind == kind for budget in budgets))
        chosen = max(budget for budget in budgets if budget.kind == kind)
    return chosen, [episode for episode in episodes if episode.spent_under == chosen]


def curve(episodes: Sequence[Episode], kind: BudgetKind) -> Series:
    """Item-F1 against a budget, a row for each arm and budget."""
    groups = by_arm_and_budget(episode for episode in episodes if episode.budget_kind == kind)
    word = "critical steps" if kind == "critical_steps" else "tokens"
    rows = [
        (arm, budget.amount, *_shown(interval(runs, item_f1)),
         average(run.metrics.critical_steps for run in runs),
         average(run.tokens for run in runs), len(runs))
        for (arm, budget), runs in sorted(groups.items(), key=lambda item: item[0][1])
    ]  # fmt: skip
    columns = ("arm", "budget", "item_f1", "low", "high", "tasks", "critical_steps", "tokens",
               "runs")  # fmt: skip
    return Series(f"f1-{word.replace(' ', '-')}", f"Item-F1 at equal {word}", columns, tuple(rows))


def spent_curve(episodes: Sequence[Episode]) -> Series:
    """Item-F1 against the tokens that were really used, a row for each arm and budget that used
    any."""
    groups = by_arm_and_budget(episode for episode in episodes if episode.budget_kind != "tokens")
    rows = [
        (arm, average(run.tokens for run in runs), *_shown(interval(runs, item_f1)), str(budget))
        for (arm, budget), runs in groups.items()
        if any(run.tokens for run in runs)
    ]
    columns = ("arm", "tokens", "item_f1", "low", "high", "tasks", "budget")
    title = "Item-F1 against the tokens that were used"
    return Series("f1-tokens-used", title, columns, tuple(sorted(rows, key=lambda row: row[:2])))


def _shown(found: Interval) -> tuple[float, float, float, int]:
    return found.mean, found.low, found.high, found.count


def time_to_target(episodes: Sequence[Episode], targets: Sequence[float] = TARGETS) -> Series:
    """The least budget of critical steps at which an arm reaches each item-F1.

    Relative to what the baseline needs for the first target; where it never gets there, to the
    smallest budget of the sweep. What is never reached has no budget.
    """
    reached = _means(episodes)
    budgets = sorted({budget for means in reached.values() for budget in means})
    first = baseline_of(episodes)
    unit = least_budget(reached.get(first, {}), targets[0])
    what = f"what {first} needs for {100 * targets[0]:.0f} %" if unit else "the smallest budget"
    unit = unit or (budgets[0] if budgets else 1)
    rows = [
        (arm, target, budget, budget / unit if budget is not None else None)
        for arm, means in reached.items()
        for target in targets
        for budget in (least_budget(means, target),)
    ]
    columns = ("arm", "target", "critical_steps", "relative")
    title = "Critical steps to reach an item-F1"
    return Series(
        "time-to-target", title, columns, tuple(rows), f"1 is {what}: {unit} critical steps"
    )


def _means(episodes: Sequence[Episode]) -> Mapping[str, Mapping[int, float]]:
    swept = [episode for episode in episodes if episode.budget_kind == "critical_steps"]
    found: dict[str, dict[int, float]] = {arm: {} for arm in arms_of(swept)}
    for (arm, budget), runs in by_arm_and_budget(swept).items():
        found[arm][budget.amount] = average(by_task(runs, item_f1).values())
    return found


def bars(episodes: Sequence[Episode], name: str, title: str, values: Mapping[str, Value]) -> Series:
    """Values of each arm at the largest budget, with intervals; rows of arm, value, interval."""
    budget, runs = at_largest_budget(episodes)
    rows = [
        (arm, label, *_shown(found))
        for arm in arms_of(episodes)
        for label, value in values.items()
        for found in (interval((run for run in runs if run.arm == arm), value),)
        if not isnan(found.mean)
    ]
    columns = ("arm", "value", "mean", "low", "high", "tasks")
    return Series(name, title, columns, tuple(rows), f"at {budget}")


def parallelism(episodes: Sequence[Episode]) -> Series:
    """Parallelism by kind of task."""
    kinds = sorted({episode.kind for episode in episodes})
    values: dict[str, Value] = {
        kind: lambda run, kind=kind: run.metrics.parallelism if run.kind == kind else None
        for kind in kinds
    }
    return bars(episodes, "parallelism", "Parallelism by kind of task", values)


def habits(episodes: Sequence[Episode]) -> Series:
    """How well work was given out: redundancy, duplicate briefs, finish rate, usefulness."""
    values: dict[str, Value] = {
        "redundancy": lambda run: run.metrics.redundancy,
        "duplicate briefs": lambda run: (
            run.metrics.duplicate_briefs / run.metrics.spawned if run.metrics.spawned else None
        ),
        "finish rate": lambda run: run.metrics.finish_rate,
        "useful": lambda run: run.metrics.useful_rate,
        "balance": lambda run: run.metrics.balance if run.metrics.spawned else None,
    }
    return bars(episodes, "redundancy", "Redundancy, and what sub-agents were good for", values)


def cost(episodes: Sequence[Episode]) -> Series:
    """What a task takes: tokens of the root and of its sub-agents, dollars, correct cells."""
    values: dict[str, Value] = {
        "tokens, root agent": lambda run: float(run.metrics.main_tokens),
        "tokens, sub-agents": lambda run: float(run.metrics.subagent_tokens),
        "dollars": lambda run: run.cost_usd,
        "correct cells per 1,000 tokens": lambda run: run.metrics.cells_per_1k_tokens,
    }
    return bars(episodes, "cost", "What a task costs", values)


def spawned_and_width(episodes: Sequence[Episode]) -> Series:
    """How many sub-agents were started against how many could have been of use, by task."""
    budget, runs = at_largest_budget(episodes)
    rows: list[tuple[Any, ...]] = []
    notes: list[str] = []
    for arm in arms_of(runs):
        own = [run for run in runs if run.arm == arm]
        widths = {run.task: run.width for run in own}
        spawned = by_task(own, lambda run: float(run.metrics.spawned))
        if not any(spawned.values()):
            continue
        rows += [(arm, task, widths[task], count) for task, count in spawned.items()]
        rank = spearman([*map(float, widths.values())], [spawned[task] for task in widths])
        notes.append(f"{arm}: Spearman {'–' if rank is None else f'{rank:.2f}'}")
    columns = ("arm", "task", "width", "spawned")
    title = "Sub-agents started and true width"
    return Series("spawned-width", title, columns, tuple(rows), "; ".join((*notes, f"at {budget}")))


def every_series(episodes: Sequence[Episode]) -> list[Series]:
    """The numbers of all figures; those without a row are left out."""
    made = (
        curve(episodes, "critical_steps"),
        curve(episodes, "tokens"),
        spent_curve(episodes),
        time_to_target(episodes),
        parallelism(episodes),
        habits(episodes),
        cost(episodes),
        spawned_and_width(episodes),
    )
    return [series for series in made if series.rows]

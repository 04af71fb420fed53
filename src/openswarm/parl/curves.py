"""The curves of trainings: their logs as numbers, and pages that show what each arm turned to.

A page an arm, and one with all arms over each other. A line is the mean over seeds of smoothed
figures, its band their least and greatest. Owns what is drawn and how; the numbers come from
`log.jsonl` alone. Imports matplotlib where it draws.
"""

import csv
import io
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from openswarm.core.errors import SettingsError, UserError
from openswarm.evals.figures import COLOURS, DPI, FAINT
from openswarm.parl.checkpoint import RECORD, Training

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOG = "log.jsonl"
MAX_LOG_BYTES = 100_000_000
SMOOTHING = 0.8
"""How much of the last value stays in a smoothed one."""
DASHES = ("-", "--", ":", "-.")
OVERLAY = "arms"
"""The name of the page with all arms."""


class Shown(NamedTuple):
    """A figure of the log, and what it is called on a page."""

    field: str
    label: str


class Panel(NamedTuple):
    """One pair of axes."""

    title: str
    figures: tuple[Shown, ...]
    share: bool = False
    """Whether it is from 0 to 1."""


PAGE = (
    Panel("Reward and its terms", (
        Shown("reward", "reward"), Shown("quality", "r_perf"),
        Shown("parallel", "r_parallel, unweighted"), Shown("finish", "r_finish, unweighted"),
    )),
    Panel("Weights of the auxiliary terms", (
        Shown("lambda_parallel", "λ1, of r_parallel"), Shown("lambda_finish", "λ2, of r_finish"),
    )),
    Panel("Quality", (
        Shown("wide_f1", "item-F1, wide"), Shown("wide_success", "success, wide"),
        Shown("control_success", "success, controls"),
    ), share=True),
    Panel("Sub-agents a task", (
        Shown("wide_spawned", "started, wide"), Shown("failed", "failed, all"),
        Shown("useless", "useless, all"), Shown("refused", "refused calls, all"),
    )),
    Panel("Group width, wide", (
        Shown("wide_group", "sub-agents a stage"),
        Shown("wide_parallelism", "all / critical steps"),
    )),
    Panel("Steps a wide task", (
        Shown("wide_critical", "critical"), Shown("wide_steps", "all"),
    )),
    Panel("Share of tasks with a sub-agent", (
        Shown("wide_delegated", "wide"), Shown("control_spawned", "controls"),
        Shown("budget_hit", "ended by the budget, all"),
    ), share=True),
    Panel("Correct cells a sub-agent", (Shown("wide_yield", "wide"),)),
    Panel("The policy", (
        Shown("entropy", "entropy, nats"), Shown("masked", "share masked"),
        Shown("divergence", "squared log-ratio"),
    )),
)  # fmt: skip
"""What a page of one arm shows."""
COMPARED = (
    Panel("r_perf", (Shown("quality", ""),), share=True),
    Panel("Item-F1, wide", (Shown("wide_f1", ""),), share=True),
    Panel("Critical steps, wide", (Shown("wide_critical", ""),)),
    Panel("Group width, wide", (Shown("wide_group", ""),)),
    Panel("Sub-agents started, wide", (Shown("wide_spawned", ""),)),
    Panel("Failed and useless sub-agents", (Shown("spurious", ""),)),
    Panel("Correct cells a sub-agent, wide", (Shown("wide_yield", ""),)),
    Panel("Share of controls with a sub-agent", (Shown("control_spawned", ""),), share=True),
    Panel("Tokens a task", (Shown("tokens", ""),)),
)
"""What the page with all arms shows."""
DERIVED: dict[str, Callable[[Mapping[str, float]], float]] = {
    "spurious": lambda line: line["failed"] + line["useless"],
}
"""Figures that are made from those of the log."""
FIELDS = tuple(
    dict.fromkeys(
        shown.field for panel in (*PAGE, *COMPARED) for shown in panel.figures
        if shown.field not in DERIVED
    )
)  # fmt: skip
"""What a line of a log has to have."""


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one training."""

    arm: str
    seed: int
    lines: tuple[dict[str, float], ...]
    """An update each, from the first."""


@dataclass(frozen=True, slots=True)
class Band:
    """One figure of one arm over the updates that all of its seeds made."""

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int


def read_log(folder: Path) -> Log:
    """The log of a training's folder; without `run.json` the folder's name is the arm's.

    The last line is left out while it is being written. Raises `UserError` for what is no log.
    """
    path = folder / LOG
    arm, seed = folder.resolve().name, 0
    if (folder / RECORD).exists():
        training = Training.load(folder)
        arm, seed = training.arm or "start", training.seed
    try:
        if path.stat().st_size > MAX_LOG_BYTES:
            raise UserError(f"{path} is larger than {MAX_LOG_BYTES} bytes")
        whole, _, _ = path.read_text("utf-8").rpartition("\n")
        lines = tuple(_line(json.loads(line)) for line in whole.splitlines())
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(f"{path} is no log of an arm's training: {error}") from None
    if not lines:
        raise UserError(f"{path} is no log of an arm's training: it has no whole line")
    return Log(arm, seed, lines)


def _line(line: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a line; one that is null, a mean of nothing, becomes NaN."""
    found = {name: line[name] for name in ("update", *FIELDS)}
    if not all(value is None or math.isfinite(float(value)) for value in found.values()):
        raise ValueError("a figure is not finite")
    values = {name: math.nan if value is None else float(value) for name, value in found.items()}
    return values | {name: made(values) for name, made in DERIVED.items()}


def by_arm(logs: Sequence[Log]) -> dict[str, list[Log]]:
    """The logs of each arm, in the order in which arms came.

    Raises `UserError` when one seed of an arm is there twice.
    """
    arms: dict[str, list[Log]] = defaultdict(list)
    for log in logs:
        if any(other.seed == log.seed for other in arms[log.arm]):
            raise UserError(f"seed {log.seed} of the arm {log.arm} is there twice")
        arms[log.arm].append(log)
    return dict(arms)


def band(logs: Sequence[Log], field: str, *, smooth: bool = True) -> Band:
    """The mean, least and greatest over seeds at each update, of smoothed figures."""
    series = [[line[field] for line in log.lines] for log in logs]
    if smooth:
        series = [smoothed(values) for values in series]
    known = [[v for v in values if not math.isnan(v)] for values in zip(*series, strict=False)]
    points = [values or [math.nan] for values in known]
    return Band(
        tuple(sum(values) / len(values) for values in points),
        tuple(map(min, points)),
        tuple(map(max, points)),
        len(logs),
    )


def smoothed(values: Sequence[float]) -> list[float]:
    """An exponential mean, corrected for its start; NaN changes nothing, and leads to NaN only
    where nothing else came before."""
    made, mean, weight = [], 0.0, 0.0
    for value in values:
        if not math.isnan(value):
            mean = SMOOTHING * mean + (1 - SMOOTHING) * value
            weight = SMOOTHING * weight + (1 - SMOOTHING)
        made.append(mean / weight if weight else math.nan)
    return made


def write_curves(logs: Sequence[Log], out: Path, command: str) -> list[Path]:
    """Draws a page for each arm, and one with all of them; each as PNG and as CSV.

    Blocks. Raises `SettingsError` where matplotlib is missing, `UserError` for a folder that
    cannot be written and for a command that is more than a line.
    """
    if find_spec("matplotlib") is None:
        raise SettingsError(
            "drawing needs matplotlib; install it with: pip install 'openswarm[evals]'"
        )
    if not command.isprintable():
        raise UserError("the command of a figure has to be one line of text")
    arms = by_arm(logs)
    written: list[Path] = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, own in (*arms.items(), (OVERLAY, None)):
            stem = name if own is None else f"arm-{_plain(name)}"
            table, picture = out / f"{stem}.csv", out / f"{stem}.png"
            text = log_csv(own, command) if own else bands_csv(arms, command)
            table.write_text(text, encoding="utf-8")
            page = page_of(name, own) if own else overlay_of(arms)
            page.savefig(picture, dpi=DPI)
            written += [picture, table]
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}") from None
    return written


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-._" else "_" for c in name) or "_"


def log_csv(logs: Sequence[Log], command: str) -> str:
    """The logs of one arm as CSV: a line for each seed and update, as they were logged."""
    fields = ("update", *FIELDS)
    rows = ([log.seed, *(line[name] for name in fields)] for log in logs for line in log.lines)
    return _csv(command, "as logged; the page smooths", ("seed", *fields), rows)


def bands_csv(arms: Mapping[str, Sequence[Log]], command: str) -> str:
    """What the page with all arms draws, as CSV: a line for each arm, figure and update."""
    columns = ("arm", "figure", "update", "mean", "low", "high", "seeds")
    rows = (
        [arm, shown.field, update, found.mean[update], found.low[update], found.high[update],
         found.seeds]
        for arm, logs in arms.items()
        for panel in COMPARED
        for shown in panel.figures
        for found in (band(logs, shown.field),)
        for update in range(len(found.mean))
    )  # fmt: skip
    return _csv(command, f"smoothed by {SMOOTHING}; low and high over seeds", columns, rows)


def _csv(command: str, note: str, columns: Sequence[str], rows: Iterator[list[Any]]) -> str:
    text = io.StringIO()
    text.write(f"# {command}\n# {note}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else round(value, 5)
    return value


def page_of(arm: str, logs: Sequence[Log]) -> "Figure":
    """The page of one arm."""
    seeds = ", ".join(str(log.seed) for log in logs)
    figure, every = _figure(f"{arm}: seed {seeds}" if len(logs) == 1 else f"{arm}: seeds {seeds}")
    for axes, panel in zip(every, PAGE, strict=True):
        for place, shown in enumerate(panel.figures):
            exact = shown.field.startswith("lambda")
            found = band(logs, shown.field, smooth=not exact)
            _draw(axes, found, COLOURS[place], shown.label, DASHES[place] if exact else "-")
        _finished(axes, panel)
        if len(panel.figures) > 1:
            axes.legend(fontsize=7, frameon=False)
        else:
            axes.set_title(f"{panel.title}, {panel.figures[0].label}", fontsize=9, loc="left")
    return figure


def overlay_of(arms: Mapping[str, Sequence[Log]]) -> "Figure":
    """The page with all arms."""
    figure, every = _figure("Arms over training: mean over seeds, least and greatest")
    for axes, panel in zip(every, COMPARED, strict=True):
        for place, (arm, logs) in enumerate(arms.items()):
            found = band(logs, panel.figures[0].field)
            label = f"{arm} ({found.seeds})" if found.seeds > 1 else arm
            dashes = DASHES[place // len(COLOURS) % len(DASHES)]
            _draw(axes, found, COLOURS[place % len(COLOURS)], label, dashes)
        _finished(axes, panel)
    found = every[0].get_legend_handles_labels()
    figure.legend(*found, loc="outside lower center", ncols=6, fontsize=8, frameon=False)
    return figure


def _figure(title: str) -> tuple["Figure", list["Axes"]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8.2), layout="constrained")
    figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
    every = [*figure.subplots(3, 3, sharex=True).flat]
    for axes in every[-3:]:
        axes.set_xlabel("update", fontsize=8)
    return figure, every


def _draw(axes: "Axes", found: Band, colour: str, label: str, dashes: str = "-") -> None:
    updates = range(len(found.mean))
    axes.plot(updates, found.mean, color=colour, label=label, linewidth=1.5, linestyle=dashes)
    if found.seeds > 1:
        axes.fill_between(updates, found.low, found.high, color=colour, alpha=FAINT, linewidth=0)


def _finished(axes: "Axes", panel: Panel) -> None:
    axes.set_title(panel.title, fontsize=9, loc="left")
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)
    if panel.share:
        axes.set_ylim(-0.03, 1.03)
    else:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))

"""The figures of an eval as pictures and CSV files. Of the evals only this module draws.

Owns looks alone: the numbers come from `comparison`. Every CSV begins with the command that made
it, as a comment.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openswarm.core.errors import SettingsError, UserError
from openswarm.evals.comparison import Series, arms_of, every_series
from openswarm.evals.results import Episode

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#555555")
"""Told apart by people who are colour-blind, too (Okabe and Ito), then two more."""
MARKERS = "osD^vPX*"
DPI = 150
FAINT = 0.15


def write_figures(episodes: Sequence[Episode], out: Path, command: str) -> list[Path]:
    """Draws every figure that the episodes have numbers for, each as PNG and CSV.

    Blocks. Raises `SettingsError` where matplotlib is missing, `UserError` for a folder that
    cannot be written and for a command that is more than a line.
    """
    named = {series.name: series for series in every_series(episodes)}
    return write_series(named, Looks(arms_of(episodes)), out, command)


def write_series(
    named: Mapping[str, Series], looks: "Looks", out: Path, command: str
) -> list[Path]:
    """Draws series by the stem of their files, each as PNG and CSV. Raises as `write_figures`."""
    if find_spec("matplotlib") is None:
        raise SettingsError(
            "drawing needs matplotlib; install it with: pip install 'openswarm[evals]'"
        )
    written: list[Path] = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for stem, series in named.items():
            table, picture = out / f"{stem}.csv", out / f"{stem}.png"
            table.write_text(csv_text(series, command), encoding="utf-8")
            drawn(series, looks).savefig(picture, dpi=DPI)
            written += [picture, table]
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}") from None
    return written


def csv_text(series: Series, command: str) -> str:
    """The series as CSV under a comment with the command that made it."""
    if not command.isprintable():
        raise UserError("the command of a figure has to be one line of text")
    text = io.StringIO()
    text.write(f"# {command}\n")
    if series.note:
        text.write(f"# {series.note}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(series.columns)
    writer.writerows([_plain(value) for value in row] for row in series.rows)
    return text.getvalue()


def _plain(value: Any) -> Any:
    return "" if value is None else round(value, 6) if isinstance(value, float) else value


class Looks:
    """The colour and marker of each arm, the same in every figure."""

    def __init__(self, arms: Sequence[str]) -> None:
        self.arms = list(arms)

    def of(self, arm: str) -> dict[str, Any]:
        """Keyword arguments of `plot`."""
        place = self.arms.index(arm)
        return {
            "color": COLOURS[place % len(COLOURS)],
            "marker": MARKERS[place % len(MARKERS)],
            "markersize": 5,
            "linewidth": 1.8,
        }

    def colour(self, arm: str) -> str:
        """The colour alone."""
        return self.of(arm)["color"]


def drawn(series: Series, looks: Looks) -> "Figure":
    """The picture of a series."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    draw = _DRAWN_BY[series.name]
    draw(figure, series, looks)
    return figure


def _axes(figure: "Figure", title: str, note: str = "") -> "Axes":
    axes = figure.subplots()
    _plain_frame(axes)
    axes.set_title(title, fontsize=11, loc="left", fontweight="bold", pad=20 if note else 8)
    if note:
        axes.text(0, 1.02, note, transform=axes.transAxes, fontsize=8, color="#666666")
    return axes


def _plain_frame(axes: "Axes") -> None:
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)


def _lines(figure: "Figure", series: Series, looks: Looks, x: str, label: str) -> None:
    """Item-F1 with its band, a line an arm, over a logarithmic x."""
    counts = sorted({record["tasks"] for record in series.records()})
    tasks = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    axes = _axes(figure, series.title, f"mean and 95 % interval over {tasks} tasks")
    for arm in _present(series, looks):
        points = [record for record in series.records() if record["arm"] == arm]
        places = [point[x] for point in points]
        axes.plot(places, [point["item_f1"] for point in points], label=arm, **looks.of(arm))
        if len(points) > 1:
            low, high = ([point[side] for point in points] for side in ("low", "high"))
            axes.fill_between(places, low, high, color=looks.colour(arm), alpha=FAINT, linewidth=0)
        else:
            point = points[0]
            axes.vlines(places, point["low"], point["high"], color=looks.colour(arm))
    _log_scale(axes, [record[x] for record in series.records()])
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("item-F1", fontsize=9)
    axes.set_xlabel(label, fontsize=9)
    axes.legend(fontsize=8, frameon=False)


def _log_scale(axes: "Axes", places: Sequence[float]) -> None:
    """Powers of two, or the budgets themselves where there are few of them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log", base=2)
    known = sorted(set(places))
    if len(known) <= 8 and all(float(place).is_integer() for place in known):
        axes.set_xticks(known)
    else:
        axes.xaxis.set_major_locator(LogLocator(base=2))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))


def _short(value: float) -> str:
    if value < 10_000:
        return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"
    return f"{value / 1000:,.0f}k" if value < 1e6 else f"{value / 1e6:,.1f}M"


def _legend_below(figure: "Figure", axes: "Axes") -> None:
    found = axes.get_legend_handles_labels()
    figure.legend(*found, loc="outside lower center", ncols=6, fontsize=8, frameon=False)


def _present(series: Series, looks: Looks) -> list[str]:
    there = {record["arm"] for record in series.records()}
    return [arm for arm in looks.arms if arm in there]


def _critical(figure: "Figure", series: Series, looks: Looks) -> None:
    _lines(figure, series, looks, "budget", "budget of critical steps")


def _tokens(figure: "Figure", series: Series, looks: Looks) -> None:
    _lines(figure, series, looks, "budget", "budget of tokens, input and output of all agents")


def _used(figure: "Figure", series: Series, looks: Looks) -> None:
    _lines(figure, series, looks, "tokens", "tokens used a task, input and output of all agents")


def _targets(figure: "Figure", series: Series, looks: Looks) -> None:
    """The form of the report's Figure 8; what is never reached is a hollow marker at the top."""
    axes = _axes(figure, series.title, series.note)
    records = series.records()
    top = 1.25 * max((r["relative"] for r in records if r["relative"] is not None), default=1.0)
    for arm in _present(series, looks):
        own = [record for record in records if record["arm"] == arm]
        reached = [record for record in own if record["relative"] is not None]
        missed = [record["target"] for record in own if record["relative"] is None]
        style = looks.of(arm)
        shift = 0.002 * (looks.arms.index(arm) - (len(looks.arms) - 1) / 2)
        places = [record["target"] + shift for record in reached]
        axes.plot(places, [record["relative"] for record in reached], label=arm, **style)
        axes.plot(
            [target + shift for target in missed], [top] * len(missed), linestyle="none",
            marker=style["marker"], markerfacecolor="none", markeredgecolor=style["color"],
        )  # fmt: skip
    if any(record["relative"] is None for record in records):
        axes.axhline(top, color="#999999", linewidth=0.7, linestyle=":", zorder=0)
        axes.annotate(
            "not reached", (0.0, top), xycoords=("axes fraction", "data"), fontsize=7,
            color="#666666", xytext=(2, 4), textcoords="offset points",
        )  # fmt: skip
    axes.set_ylim(0, top * 1.1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlabel("item-F1 to reach", fontsize=9)
    axes.set_ylabel("critical steps, relative", fontsize=9)
    _legend_below(figure, axes)


def _bars(axes: "Axes", series: Series, looks: Looks, labels: Sequence[str]) -> None:
    """Groups of bars, one group a value, one bar an arm, with intervals."""
    arms = _present(series, looks)
    wide = 0.8 / len(arms)
    found = {(record["arm"], record["value"]): record for record in series.records()}
    for place, arm in enumerate(arms):
        own = [(group, found[arm, label]) for group, label in enumerate(labels)
               if (arm, label) in found]  # fmt: skip
        means = [record["mean"] for _, record in own]
        spread = [[max(0.0, record["mean"] - record["low"]) for _, record in own],
                  [max(0.0, record["high"] - record["mean"]) for _, record in own]]  # fmt: skip
        axes.bar(
            [group + (place - (len(arms) - 1) / 2) * wide for group, _ in own], means,
            width=0.92 * wide, color=looks.colour(arm), label=arm, yerr=spread,
            error_kw={"elinewidth": 0.9, "ecolor": "#333333", "capsize": 2},
        )  # fmt: skip
    axes.set_xticks(range(len(labels)), labels, fontsize=8)


def _grouped(figure: "Figure", series: Series, looks: Looks) -> None:
    axes = _axes(figure, series.title, series.note)
    labels = list(dict.fromkeys(record["value"] for record in series.records()))
    _bars(axes, series, looks, labels)
    axes.grid(visible=False, axis="x")
    if series.name == "parallelism":
        axes.axhline(1, color="#999999", linewidth=0.8, linestyle="--")
        axes.set_ylabel("steps of sub-agents / longest", fontsize=9)
    else:
        axes.set_ylim(0, 1.05)
        axes.set_ylabel("share", fontsize=9)
    _legend_below(figure, axes)


def _costs(figure: "Figure", series: Series, looks: Looks) -> None:
    """A panel a unit: tokens of both kinds of agents, dollars, yield."""
    labels = list(dict.fromkeys(record["value"] for record in series.records()))
    tokens = [label for label in labels if label.startswith("tokens")]
    panels = [tokens, *([label] for label in labels if label not in tokens)]
    figure.set_size_inches(4 + 2.4 * len(panels), 4)
    figure.suptitle(f"{series.title}, {series.note}", fontsize=11, fontweight="bold", x=0.01,
                    ha="left")  # fmt: skip
    sizes = [max(1, len(panel)) for panel in panels]
    every = figure.subplots(1, len(panels), width_ratios=sizes, squeeze=False)[0]
    for axes, panel in zip(every, panels, strict=True):
        _plain_frame(axes)
        axes.grid(visible=False, axis="x")
        _bars(axes, series, looks, panel)
        axes.set_xticks(range(len(panel)), [label.replace(" per ", "\nper ") for label in panel])
        axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    _legend_below(figure, every[0])


def _widths(figure: "Figure", series: Series, looks: Looks) -> None:
    """A panel an arm; on the line as many were started as could be of use."""
    arms = _present(series, looks)
    notes = dict(note.split(": ", 1) for note in series.note.split("; ") if ": " in note)
    figure.set_size_inches(max(4.2, 3.2 * len(arms)), 3.9)
    figure.suptitle(series.title, fontsize=11, fontweight="bold", x=0.01, ha="left")
    records = series.records()
    most = max(1.0, *(max(record["width"], record["spawned"]) for record in records))
    every = figure.subplots(1, len(arms), sharex=True, sharey=True, squeeze=False)[0]
    for axes, arm in zip(every, arms, strict=True):
        own = [record for record in records if record["arm"] == arm]
        _plain_frame(axes)
        axes.plot([0, most], [0, most], color="#999999", linewidth=0.8, linestyle="--")
        axes.scatter(
            [record["width"] for record in own], [record["spawned"] for record in own], s=18,
            color=looks.colour(arm), alpha=0.55, linewidths=0,
        )  # fmt: skip
        axes.set_title(f"{arm}\n{notes.get(arm, '')}", fontsize=9)
        axes.set_xlabel("true width", fontsize=9)
    every[0].set_ylabel("sub-agents started", fontsize=9)


_DRAWN_BY: dict[str, Callable[["Figure", Series, Looks], None]] = {
    "f1-critical-steps": _critical,
    "f1-tokens": _tokens,
    "f1-tokens-used": _used,
    "time-to-target": _targets,
    "parallelism": _grouped,
    "redundancy": _grouped,
    "cost": _costs,
    "spawned-width": _widths,
}

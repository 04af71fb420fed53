"""The curves of trainings as a picture, and scores as lines. Imports matplotlib where it draws."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from openswarm.cli.gantt import FORMATS
from openswarm.core.errors import SettingsError, UserError

SHOWN = (
    ("loss", "loss, nats a trained token"),
    ("imbalance", "load of the busiest expert / mean load"),
    ("max_logit", "largest attention logit"),
    ("rate", "learning rate"),
)
SMOOTHING = 0.9
"""How much of the last value stays in a smoothed one."""
MAX_LOG_BYTES = 100_000_000


def draw_curves(folders: Sequence[Path], path: Path) -> None:
    """Draws the logs of trainings over the tokens they have seen, one line a training.

    Raises `UserError` for another suffix, a folder without a log and a picture that cannot be
    written, `SettingsError` where matplotlib is missing.
    """
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{path}: cannot draw that; use {', '.join(FORMATS)}")
    if find_spec("matplotlib") is None:
        raise SettingsError(
            "drawing needs matplotlib; install it with: pip install 'openswarm[evals]'"
        )
    from matplotlib.figure import Figure

    logs = [_log(folder / "log.jsonl") for folder in folders]
    labels = _labels(folders)
    figure = Figure(figsize=(11, 7), layout="constrained")
    for axes, (field, title) in zip(figure.subplots(2, 2).flat, SHOWN, strict=True):
        for label, lines in zip(labels, logs, strict=True):
            points = [(line["tokens"] / 1e6, line[field]) for line in lines if line[field]]
            smooth = field in ("loss", "imbalance")
            values = _smoothed([value for _, value in points]) if smooth else points
            axes.plot(
                [tokens for tokens, _ in points],
                values if smooth else [value for _, value in points],
                label=label,
            )
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("million tokens")
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=9)
    try:
        figure.savefig(path, dpi=130)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def score_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Scores of an examination, a line a skill."""
    for skill, share in found["scores"].items():
        yield f"{skill:<20} {share:6.1%}"
    for name, loss in found["loss"].items():
        yield f"{f'loss, {name}':<20} {loss:6.3f} nats a token of replies"


def _labels(folders: Sequence[Path]) -> list[str]:
    """The folders' names; those of the same name are told apart by their paths."""
    names = Counter(folder.name for folder in folders)
    return [folder.name if names[folder.name] == 1 else str(folder) for folder in folders]


def _log(path: Path) -> list[dict[str, Any]]:
    """The numbers of each line. The last line is not whole while a training writes it."""
    try:
        if path.stat().st_size > MAX_LOG_BYTES:
            raise UserError(f"{path} is larger than {MAX_LOG_BYTES} bytes")
        whole, _, _ = path.read_text("utf-8").rpartition("\n")
        lines = [json.loads(line) for line in whole.splitlines()]
        if not lines:
            raise UserError(f"{path} is no training's log: it has no whole line")
        return [{name: float(line[name]) for name in ("tokens", *dict(SHOWN))} for line in lines]
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(f"{path} is no training's log: {error}") from None


def _smoothed(values: Sequence[float]) -> list[float]:
    """An exponential mean, corrected for its start."""
    smoothed, mean, weight = [], 0.0, 0.0
    for value in values:
        mean = SMOOTHING * mean + (1 - SMOOTHING) * value
        weight = SMOOTHING * weight + (1 - SMOOTHING)
        smoothed.append(mean / weight)
    return smoothed

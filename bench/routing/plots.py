"""The pictures of the documents: how sure and how right the router is, and what it gives away."""

from pathlib import Path

import numpy as np

from bench.routing.asking import kept, key, sample
from bench.routing.baselines import BASELINES, asked
from bench.routing.by_hand import by_hand
from bench.routing.figures import bins, confidence
from bench.routing.held_out import classifier, held_out, score, score_by_hand
from bench.routing.tasks import all_tasks
from openswarm.modes.routing.classifier import weights

IMAGES = Path(__file__).parents[2] / "docs" / "images"
FEWEST = 10
"""Bins with fewer tasks say nothing."""
ACCENT, GREY = "#2f6f9f", "#b8bdc4"


def draw() -> None:
    """Writes both pictures."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False})
    _calibration(IMAGES / "router-calibration.png")
    _regrets(IMAGES / "router-regret.png")


def _calibration(target: Path) -> None:
    from matplotlib import pyplot as plt

    parts = [part for part in bins(held_out()) if len(part) >= FEWEST]
    sure = [confidence(part) for part in parts]
    right = [float(np.mean([entry.right for entry in part])) for part in parts]
    figure, axes = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, label="as sure as right")
    sizes = [8 + len(part) / 4 for part in parts]
    axes.scatter(sure, right, s=sizes, color=ACCENT, label="held-out kinds, area: tasks", zorder=3)
    axes.plot(sure, right, color=ACCENT, linewidth=1)
    axes.set(xlabel="confidence", ylabel="share of best modes", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(target, dpi=120)


def _regrets(target: Path) -> None:
    from matplotlib import pyplot as plt

    names, on_kinds, on_written = ["the router", *BASELINES, "a prompt"], [], []
    on_kinds.append(float(np.mean([entry.regret for entry in held_out()])))
    on_written.append(score_by_hand(classifier(weights())).regret)
    for choose in BASELINES.values():
        on_kinds.append(score(all_tasks(), choose).regret)
        on_written.append(score_by_hand(choose).regret)
    known = kept()
    drawn = [entry for entry in sample() if key(entry) in known]
    written = [entry for entry in by_hand() if key(entry) in known]
    on_kinds.append(score(drawn, asked(drawn, known)).regret)
    on_written.append(score_by_hand(asked(written, known), written).regret)
    places = np.arange(len(names))
    figure, axes = plt.subplots(figsize=(6.6, 3.4), layout="constrained")
    axes.barh(places - 0.2, on_kinds, 0.36, color=ACCENT, label="kinds held out")
    axes.barh(places + 0.2, on_written, 0.36, color=GREY, label="hand-written")
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlabel("regret: utility given away a task")
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(target, dpi=120)

"""The figures of the router, beside their bars: `python -m bench routing`.

Bars: on kinds that were held out the regret is lower than that of every baseline, and a decision
takes at most 5 ms.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from bench.measure import Figure, Setting, run_process
from bench.routing.asking import kept, key, sample
from bench.routing.baselines import BASELINES, asked
from bench.routing.by_hand import by_hand, looked_at, untouched
from bench.routing.held_out import (
    CALL_COST,
    Judged,
    Score,
    classifier,
    held_out,
    random_split,
    regret_asking,
    score,
    score_by_hand,
    threshold_for,
)
from bench.routing.oracle import MODES, Choice
from bench.routing.tasks import NAMES, all_tasks
from openswarm.core.task import Task
from openswarm.modes.routing import route
from openswarm.modes.routing.classifier import weights

LATENCY_MS = 5.0
BINS = 10
FIRST = """
import time
from openswarm.core.task import Task
from openswarm.modes.routing import route
began = time.perf_counter()
route(Task(text="The minimum wage of all EU countries"), 0)
print(1000 * (time.perf_counter() - began))
"""


def run(bench: Setting) -> list[Figure]:
    """All figures; regrets in hundredths of a utility of 1."""
    judged = held_out()
    for kind in NAMES:
        own = [entry for entry in judged if entry.example.labelled.kind == kind]
        bench.say(f"{kind}: right modes {_accuracy(own):.2f}, regret {_regret(own):.3f}")
    return [
        *_held_out(judged), *_by_hand(), *_prompt_only(judged), *_confidence(judged),
        *_widths(judged), *_latency(bench.rounds),
    ]  # fmt: skip


def _held_out(judged: Sequence[Judged]) -> list[Figure]:
    apart = random_split()
    note = f"{len(judged)} tasks, {len(NAMES)} kinds, each held out"
    found = [Figure("held out: right modes", 100 * _accuracy(judged), None, "%", note=note)]
    for name, choose in BASELINES.items():
        theirs = score(all_tasks(), choose)
        found.append(_beside(f"held out: regret, {name}", _regret(judged), theirs))
    note = f"right modes {100 * _accuracy(apart):.0f} %, {len(apart)} tasks"
    return [*found, Figure("random split: regret", 100 * _regret(apart), None, "%", note=note)]


def _by_hand() -> list[Figure]:
    """The tasks whose errors were seen are told apart from those that stayed untouched."""
    seen, fresh, ours = (score_by_hand(_router, part) for part in (looked_at(), untouched(), ()))
    found = [
        Figure("by hand: right modes", 100 * seen.accuracy, None, "%",
               note=f"{seen.tasks} tasks, never trained on"),
        Figure("by hand, untouched: right modes", 100 * fresh.accuracy, None, "%",
               note=f"{fresh.tasks} tasks, nothing was changed for them"),
    ]  # fmt: skip
    for name, choose in BASELINES.items():
        found.append(_beside(f"by hand: regret, {name}", ours.regret, score_by_hand(choose)))
    return found


def _prompt_only(judged: Sequence[Judged]) -> list[Figure]:
    """Beside a model that is asked about each task, where its replies were kept."""
    known = kept()
    written = [entry for entry in by_hand() if key(entry) in known]
    drawn = [entry for entry in sample() if key(entry) in known]
    if not written or not drawn:
        return []
    theirs, ours = score_by_hand(asked(written, known), written), score_by_hand(_router, written)
    texts = {entry.task.text for entry in drawn}
    same = [entry for entry in judged if entry.example.labelled.task.text in texts]
    seconds = np.median([reply["seconds"] for reply in known.values()])
    return [
        _beside("by hand: regret, a prompt", ours.regret, theirs, f", {seconds:.0f} s each"),
        _beside("held out: regret, a prompt", _regret(same), score(drawn, asked(drawn, known))),
    ]


def _beside(name: str, ours: float, theirs: Score, more: str = "") -> Figure:
    """A regret whose bar is that of a baseline."""
    note = f"{theirs.tasks} tasks, its right modes {100 * theirs.accuracy:.0f} %{more}"
    return Figure(name, 100 * ours, 100 * theirs.regret, "%", floor=100 * theirs.regret, note=note)


def _confidence(judged: Sequence[Judged]) -> list[Figure]:
    below = weights().ask_below
    share = np.mean([entry.guess.confidence < below for entry in judged])
    found = [
        Figure("calibration error", 100 * calibration_error(judged), None, "%",
               note=f"{BINS} bins, held-out kinds"),
        Figure("unsure, a model is asked", 100 * float(share), None, "%",
               note=f"below {below:.2f}"),
    ]  # fmt: skip
    for right in (0.7, 0.8, 0.9):
        best = threshold_for(judged, right)
        after = regret_asking(judged, best, right)
        note = f"best threshold {best:.2f}, a call costs {CALL_COST}"
        name = f"regret, asking one right in {100 * right:.0f} %"
        found.append(Figure(name, 100 * after, None, "%", floor=100 * _regret(judged), note=note))
    return found


def _widths(judged: Sequence[Judged]) -> list[Figure]:
    swarms = [j for j in judged if j.guess.width and MODES[j.example.best] == "swarm"]
    errors = [abs(math.log2(j.guess.width / j.example.width)) for j in swarms]
    written = [(route(e.task, e.num_tools).width, e.label.width) for e in by_hand()]
    by_writer = [abs(math.log2(ours / theirs)) for ours, theirs in written if ours and theirs]
    return [
        Figure("width: median error, doublings", float(np.median(errors)), None,
               note=f"{len(errors)} swarms of held-out kinds"),
        Figure("width: within a factor of 2", _share_within_2(errors), None, "%"),
        Figure("by hand: width within a factor of 2", _share_within_2(by_writer), None, "%",
               note=f"{len(by_writer)} swarms"),
    ]  # fmt: skip


def _latency(rounds: int) -> list[Figure]:
    entries = [*all_tasks(), *by_hand()]
    ours = [_milliseconds(lambda e=e: route(e.task, e.num_tools), rounds) for e in entries]
    texts = [entry.task.model_dump_json() for entry in entries]
    parses = [_milliseconds(lambda text=text: json.loads(text), rounds) for text in texts]
    first = run_process([sys.executable, "-c", FIRST], dict(os.environ))
    long = Task(text="Compare these: " + ", ".join(f"Item {i}" for i in range(40_000)))
    return [
        Figure("a decision, median", float(np.median(ours)), LATENCY_MS, "ms",
               floor=float(np.median(parses)), note="the floor: one parse of the task as JSON"),
        Figure("a decision, 95th percentile", float(np.percentile(ours, 95)), LATENCY_MS, "ms",
               floor=float(np.percentile(parses, 95))),
        Figure("the first decision of a process", float(first), None, "ms",
               note="the weights and words are read for it"),
        Figure("a decision on 400 kB of names", _milliseconds(lambda: route(long, 0), rounds),
               None, "ms"),
    ]  # fmt: skip


def calibration_error(judged: Sequence[Judged]) -> float:
    """How far confidence is from the share of right modes, on average over the tasks."""
    error = sum(len(part) * abs(_accuracy(part) - confidence(part)) for part in bins(judged))
    return error / len(judged)


def bins(judged: Sequence[Judged]) -> list[list[Judged]]:
    """The tasks by confidence, in bins of one width; empty ones are left out."""
    parts: list[list[Judged]] = [[] for _ in range(BINS)]
    for entry in judged:
        parts[min(BINS - 1, int(entry.guess.confidence * BINS))].append(entry)
    return [part for part in parts if part]


def confidence(part: Sequence[Judged]) -> float:
    """The mean confidence."""
    return float(np.mean([entry.guess.confidence for entry in part]))


def _router(task: Task, num_tools: int) -> Choice:
    """The router with the weights of the package."""
    return classifier(weights())(task, num_tools)


def _accuracy(judged: Sequence[Judged]) -> float:
    return float(np.mean([entry.right for entry in judged]))


def _regret(judged: Sequence[Judged]) -> float:
    return float(np.mean([entry.regret for entry in judged]))


def _share_within_2(errors: Sequence[float]) -> float:
    return 100 * float(np.mean([error <= 1 for error in errors]))


def _milliseconds(work: Callable[[], object], rounds: int) -> float:
    """The shortest of some rounds."""
    times = []
    for _ in range(max(2, rounds)):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return 1000 * min(times)

"""Episodes and tasks that are made up, for tests of what is done with results."""

import random
from collections.abc import Sequence
from typing import Any

from openswarm.core.contract import Column, Contract
from openswarm.evals.budgets import Budget
from openswarm.evals.metrics import RunMetrics
from openswarm.evals.results import Episode
from openswarm.evals.task import EvalTask, Part, Prediction, Score

CAPITALS = {"Chile": "Santiago", "Peru": "Lima", "Laos": "Vientiane", "Fiji": "Suva"}
TEXTS = {
    f"{name.lower()}.md": f"# {name}\n\nThe capital of {name} is {city}.\n"
    for name, city in CAPITALS.items()
}


def score_of(f1: float, success: float = 0.0) -> Score:
    """A score all of whose figures are one number."""
    return Score(
        item_precision=f1, item_recall=f1, item_f1=f1, row_precision=f1, row_recall=f1, row_f1=f1,
        success=success,
    )  # fmt: skip


def share_of_cells(task: EvalTask, prediction: Prediction) -> Score:
    """A simple scorer: the share of the right rows that are there."""
    if not task.gold:
        return score_of(
            float(task.answer in prediction.text), float(task.answer in prediction.text)
        )
    right = sum(row in prediction.rows for row in task.gold) / len(task.gold)
    return score_of(right, float(right == 1))


def wide_task(*names: str, identity: str = "") -> EvalTask:
    """A task that asks for the capitals of some countries."""
    names = names or tuple(CAPITALS)
    return EvalTask(
        id=identity or f"capitals-{'-'.join(names)}",
        family="capitals",
        kind="wide",
        split="test",
        template="capital of each",
        question=f"The capital of each of these countries: {', '.join(names)}.",
        corpus="capitals",
        scope=tuple(f"{name.lower()}.md" for name in names),
        contract=Contract(
            columns=(Column(name="country"), Column(name="capital")), key=("country",)
        ),
        gold=tuple({"country": name, "capital": CAPITALS[name]} for name in names),
        parts=tuple(Part(name=name, documents=(f"{name.lower()}.md",)) for name in names),
    )


def fact_task(name: str = "Peru") -> EvalTask:
    """A control: a single fact, asked as a short answer."""
    return EvalTask(
        id=f"fact-{name}",
        family="fact",
        kind="fact",
        split="test",
        template="capital of one",
        question=f"What is the capital of {name}?",
        corpus="capitals",
        scope=tuple(TEXTS),
        answer=CAPITALS[name],
    )


def episode(**fields: Any) -> Episode:
    """An episode of which only some fields matter."""
    f1 = fields.pop("f1", 0.5)
    metrics = RunMetrics(**fields.pop("metrics", {}))
    usual = {
        "task": "t0", "family": "capitals", "kind": "wide", "split": "test", "width": 4,
        "arm": "single", "budget_kind": "none", "budget": 0, "seed": 0, "model": "m",
        "subagent_model": "m", "outcome": "completed", "score": score_of(f1), "metrics": metrics,
    }  # fmt: skip
    return Episode(**(usual | fields))


def sweep_of_two_arms(
    tasks: int = 24,
    budgets: Sequence[int] = (8, 16, 32, 64),
    kinds: Sequence[str] = ("critical_steps", "tokens"),
) -> list[Episode]:
    """A single agent, limited by its budget, and a swarm that is limited by its errors alone."""
    rng = random.Random(7)
    found: list[Episode] = []
    for kind in kinds:
        for place in range(tasks):
            width = rng.choice((0, 4, 8, 16, 32))
            for amount in budgets:
                budget = Budget(kind, amount * (1 if kind == "critical_steps" else 1000))
                single = min(0.9, 0.9 * amount / (4 + 2 * width))
                spread = rng.gauss(0, 0.05)
                spawned = 0 if not width else max(1, round(width * rng.uniform(0.7, 1.1)))
                found += [
                    _made(place, "single", budget, width, single + spread, 0, amount),
                    _made(place, "swarm", budget, width, 0.78 + spread, spawned, min(amount, 9)),
                ]
    return found


def _made(
    place: int, arm: str, budget: Budget, width: int, f1: float, spawned: int, critical: int
) -> Episode:
    main, sub = 900 * critical, 2500 * spawned
    metrics = {
        "critical_steps": critical,
        "spawned": spawned,
        "parallelism": max(1.0, 0.8 * spawned),
        "balance": 0.8,
        "redundancy": 0.05 + 0.01 * spawned,
        "duplicate_briefs": spawned // 12,
        "finish_rate": 0.93 if spawned else None,
        "useful_rate": 0.85 if spawned else None,
        "main_tokens": main,
        "subagent_tokens": sub,
        "cells_per_1k_tokens": 3 * f1,
    }
    return episode(
        task=f"t{place}", arm=arm, width=width, kind="wide" if width else "fact",
        budget_kind=budget.kind, budget=budget.amount, f1=min(1.0, max(0.0, f1)), metrics=metrics,
        input_tokens=main + sub, cost_usd=(main + sub) / 1e6,
    )  # fmt: skip

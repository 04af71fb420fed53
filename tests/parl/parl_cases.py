"""A small world for tests of rollouts: lands in documents, workers that never err, scripts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from openswarm.core.contract import Column, Contract
from openswarm.evals.documents import Documents
from openswarm.evals.task import EvalTask, Part
from openswarm.k25.model import K25
from openswarm.llm.policy.deciders import Decider
from openswarm.llm.policy.folder import new_policy
from openswarm.llm.policy.language import Call, Facts, TurnGuide, decide
from openswarm.llm.policy.sampler import Session
from openswarm.llm.policy.view import View
from openswarm.llm.policy.vocabulary import ASSIGN, DEFAULT_AGENT, OPEN, tokenizer
from openswarm.parl.curriculum import Curriculum
from openswarm.parl.environment import Environment, RolloutRequest, page_bytes_of
from openswarm.parl.rollout import Rollout, Stage
from openswarm.parl.workers.profile import Distribution, WorkerProfile

LANDS = (
    "Ardo", "Belu", "Coma", "Dira", "Elno", "Fori", "Gulo", "Hanu", "Ibra", "Joka", "Kelo", "Lumi",
)  # fmt: skip
LINE = "Much more could be said of this place, and little of it would be asked for. "
CONTRACT = Contract(columns=(Column(name="land"), Column(name="capital")), key=("land",))
tokenizer()


def constant(value: float) -> Distribution:
    """What is always the same."""
    return Distribution(count=1, values=(float(value),))


def profile(**changes: Any) -> WorkerProfile:
    """Workers that complete, are right, and take a step a page and one for the report."""
    figures: dict[str, Any] = {
        "name": "made-up", "measured": False, "assignments": 0, "cells": 0, "fail_rate": 0.0,
        "wrong_cell_rate": 0.0, "empty_cell_rate": 0.0, "extra_steps": constant(0),
        "failed_extra_steps": constant(0), "step_seconds": constant(2),
        "input_tokens": constant(100), "output_tokens": constant(10),
    }  # fmt: skip
    return WorkerProfile(**{**figures, **changes})


def file_of(name: str) -> str:
    """The document of a land."""
    return f"{name.casefold()}.md"


def documents() -> Documents:
    """A page for each land; the last four have two."""
    filler = page_bytes_of("lands") * 5 // 4 // len(LINE)
    texts = {
        file_of(
            name
        ): f"# {name}\n\n{LINE * filler * (place > 7)}\n\nThe capital is City {name[0]}.\n"
        for place, name in enumerate(LANDS)
    }
    return Documents("lands", texts)


def wide_task(width: int = 3, number: int = 0) -> EvalTask:
    """A table of the first so many lands."""
    names = LANDS[:width]
    return EvalTask(
        id=f"wide-{width}-{number}", family="lands", kind="wide", split="train", template="t",
        question=f"What are the capital cities of {', '.join(names)}?", corpus="lands",
        scope=tuple(file_of(name) for name in LANDS), contract=CONTRACT,
        gold=tuple({"land": name, "capital": f"City {name[0]}"} for name in names),
        parts=tuple(Part(name=name, documents=(file_of(name),)) for name in names),
    )  # fmt: skip


def fact_task(place: int = 0) -> EvalTask:
    """A control: one value of one land."""
    name = LANDS[place]
    return EvalTask(
        id=f"fact-{place}", family="facts", kind="fact", split="train", template="t",
        question=f"What is the capital of {name}?", corpus="lands",
        scope=tuple(file_of(name) for name in LANDS), answer=f"City {name[0]}",
        parts=(Part(name=name, documents=(file_of(name),)),),
    )  # fmt: skip


def unnamed(task: EvalTask) -> EvalTask:
    """The task with a question that names no document: all are in reach, in their order."""
    return task.model_copy(update={"question": "What are the capital cities?"})


def environment(
    workers: Decider | None = None, *, joint: bool = False, **changes: Any
) -> Environment:
    """Rollouts over the lands, with workers of `profile` or those that a decider decides for."""
    return Environment({"lands": documents()}, profile(**changes), workers, joint=joint)


def curriculum(widths: Sequence[int] = (3, 4, 5), controls: float = 0.25) -> Curriculum:
    """Tasks over the lands."""
    return Curriculum(
        {"lands": documents()},
        {"wide": [wide_task(w) for w in widths], "fact": [fact_task(n) for n in range(6)]},
        {"wide": 1 - controls, "fact": controls},
    )


def request(
    task: EvalTask, *, seed: int = 0, critical: int | None = None, steps: int | None = None
) -> RolloutRequest:
    """A rollout of a task."""
    return RolloutRequest(task, f"g/{task.id}", seed, critical, steps)


def assign(*places: int, agent: str = DEFAULT_AGENT) -> list[Call]:
    """A turn that assigns documents by their places."""
    return [Call(ASSIGN, agent, place) for place in places]


def read(*places: int) -> list[Call]:
    """A turn that opens documents by their places."""
    return [Call(OPEN, document=place) for place in places]


@dataclass
class Script:
    """Makes the turns that it was given, then answers. See `Decider`."""

    turns: Sequence[Sequence[Call]]
    tokens: int = 4096
    facts: list[Facts] = field(default_factory=list)
    """Of each turn."""

    async def ready(self) -> None:
        """See `Decider.ready`."""

    def open(self, view: View) -> Session:
        """See `Decider.open`."""
        return Session(view)

    def close(self, session: Session) -> None:
        """See `Decider.close`."""

    async def decide(self, session: Session, read: Sequence[int], guide: TurnGuide) -> list[float]:
        """See `Decider.decide`."""
        place, first = len(self.facts), session.view.first
        self.facts.append(guide.facts)
        if not guide.over:
            own = self.turns[place] if place < len(self.turns) else []
            decide(guide, [shifted(call, first) for call in own])
        return [0.0] * sum(guide.mask)


def shifted(call: Call, first: int) -> Call:
    """A call by the number of its document instead of its place."""
    return Call(call.tool, call.agent, call.document + first if call.document >= 0 else -1)


@dataclass
class Drawn:
    """Draws every decision, or ends the turn with this share. See `Decider`."""

    seed: int
    ending: float = 0.2
    tokens: int = 4096

    async def ready(self) -> None:
        """See `Decider.ready`."""

    def open(self, view: View) -> Session:
        """See `Decider.open`."""
        return Session(view, numbers=random.Random(f"{self.seed}/{view.seed}"))

    def close(self, session: Session) -> None:
        """See `Decider.close`."""

    async def decide(self, session: Session, read: Sequence[int], guide: TurnGuide) -> list[float]:
        """See `Decider.decide`."""
        numbers = session.numbers
        while not guide.over:
            last = numbers.random() < self.ending
            guide.take(guide.allowed[-1] if last else numbers.choice(guide.allowed))
        return [-1.0] * sum(guide.mask)


def small_policy(seed: int = 0) -> K25:
    """A policy with fresh weights, on one thread, so that its numbers are always the same."""
    torch.set_num_threads(1)
    return new_policy(seed)


def stage(
    steps: Sequence[int],
    *,
    briefs: Sequence[str] | None = None,
    outcomes: Sequence[str] | None = None,
    useful: Sequence[bool] | None = None,
) -> Stage:
    """A stage of so many sub-agents, all useful unless it says otherwise."""
    width = len(steps)
    return Stage(
        steps=tuple(steps),
        briefs=tuple(briefs if briefs is not None else (f"brief {n}" for n in range(width))),
        outcomes=tuple(outcomes or ["completed"] * width),
        useful=tuple(useful if useful is not None else [True] * width),
        seconds=(1.0,) * width,
        tokens=(10,) * width,
    )


def rollout(stages: Sequence[Stage] = (), **changes: Any) -> Rollout:
    """A rollout whose stages are given."""
    longest = sum(max(s.steps, default=0) for s in stages)
    total = sum(sum(s.steps) for s in stages)
    values: dict[str, Any] = {
        "task": "t", "group": "g", "segments": (), "stages": tuple(stages), "main_steps": 1,
        "created": 0, "refused": 0, "critical_steps": 1 + longest, "total_steps": 1 + total,
        "seconds": 1.0, "tokens": 100, "outcome": "completed", "budget_hit": False,
        "quality": 0.5, "item_f1": 0.5, "success": 0.0,
    }  # fmt: skip
    return Rollout(**{**values, **changes})

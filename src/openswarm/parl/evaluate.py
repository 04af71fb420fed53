"""A trained orchestrator on tasks that it has not seen, at one budget after the other.

Arms are compared on the same tasks with the same draws. Owns which tests there
are; the file that their results stand in is `results`'s.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from openswarm.evals.suites.family import Dials
from openswarm.k25.model import K25
from openswarm.llm.policy.deciders import Together
from openswarm.llm.policy.sampler import Sampler
from openswarm.parl.curriculum import Curriculum, build_curriculum
from openswarm.parl.environment import Environment, RolloutRequest, Seat
from openswarm.parl.figures import group_width
from openswarm.parl.results import Result
from openswarm.parl.rollout import Rollout
from openswarm.parl.workers.profile import WorkerProfile

BUDGETS = (6, 8, 11, 16, 23, 32, 45, 64, 128)
"""Critical steps; about half an octave apart."""
TOGETHER = 96
"""Rollouts that are made at once."""


@dataclass(frozen=True, slots=True)
class Test:
    """A set of tasks, and what it is to show."""

    name: str
    families: tuple[str, ...]
    dials: Dials
    tasks: int


TESTS = (
    Test("wide", ("factbook-wide", "elements"), Dials(2, 12, distractors=6), 24),
    Test("wider", ("factbook-wide", "elements"), Dials(24, 36, distractors=6), 12),
    Test("other", ("debian-wide",), Dials(2, 16, distractors=6), 24),
    Test("controls", ("fact", "sequential"), Dials(2, 12, distractors=6), 24),
)
"""wide: families of the training, other entities and wordings. wider: three times its widths.
other: families that it never saw. controls: where sub-agents cannot help."""


def tests_of(home: Path | None, tests: Sequence[Test] = TESTS) -> dict[str, Curriculum]:
    """The tasks of each test. Raises `SettingsError` as `build_curriculum` does."""
    return {
        test.name: build_curriculum(
            home, test.families, split="test", dials=test.dials, pool=test.tasks
        )
        for test in tests
    }


def evaluate(
    model: K25,
    seat: Seat,
    tests: dict[str, Curriculum],
    profile: WorkerProfile,
    *,
    arm: str,
    seed: int,
    budgets: Sequence[int] = BUDGETS,
    temperature: float = 0.0,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> list[Result]:
    """Every task of every test at every budget, once each; `tell` gets done and total.

    A temperature of 0 takes the likeliest decision each time, as in users' runs.
    """
    cases = [
        (name, task, budget)
        for name, curriculum in tests.items()
        for pool in curriculum.pools.values()
        for task in pool
        for budget in budgets
    ]
    corpora = {k: v for curriculum in tests.values() for k, v in curriculum.corpora.items()}
    environment = Environment(corpora, profile)
    results = []
    for place in range(0, len(cases), TOGETHER):
        part = cases[place : place + TOGETHER]
        requests = [
            RolloutRequest(task, f"{name}/{budget}", _draws(task.id, seed), budget or None)
            for name, task, budget in part
        ]
        rollouts = _made(model, environment, requests, seat, temperature)
        results += [
            _result(arm, seed, name, budget, rollout)
            for (name, _, budget), rollout in zip(part, rollouts, strict=True)
        ]
        tell(len(results), len(cases))
    return results


def _draws(task: str, seed: int) -> int:
    return random.Random(f"evaluate/{task}/{seed}").randrange(1 << 30)


def _made(
    model: K25,
    environment: Environment,
    requests: Sequence[RolloutRequest],
    seat: Seat,
    temperature: float,
) -> list[Rollout]:
    tokens = model.config.text_config.max_position_embeddings
    sampler = Sampler(model, slots=len(requests), tokens=tokens, temperature=temperature)
    return anyio.run(environment.rollouts, requests, Together(sampler), seat)


def _result(arm: str, seed: int, test: str, budget: int, rollout: Rollout) -> Result:
    return Result(
        arm=arm,
        seed=seed,
        test=test,
        task=rollout.task,
        family=str(rollout.meta["family"]),
        width=int(rollout.meta["width"]),
        budget=budget,
        quality=rollout.quality,
        item_f1=rollout.item_f1,
        success=rollout.success,
        critical_steps=rollout.critical_steps,
        total_steps=rollout.total_steps,
        seconds=rollout.seconds,
        tokens=rollout.tokens,
        spawned=rollout.spawned,
        group=group_width(rollout),
        created=rollout.created,
        refused=rollout.refused,
        correct_cells=rollout.correct_cells,
    )

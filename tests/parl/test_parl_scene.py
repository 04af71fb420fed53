"""Scripted workers and the scripted writer know what was read and reported, and nothing else."""

import random
from typing import Any

import anyio
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from parl_cases import (
    LANDS,
    Script,
    assign,
    documents,
    environment,
    fact_task,
    file_of,
    profile,
    read,
    request,
    unnamed,
    wide_task,
)

from openswarm.core.events import ROOT
from openswarm.evals.task import EvalTask
from openswarm.parl.environment import Seat, page_bytes_of
from openswarm.parl.rollout import Rollout
from openswarm.parl.scene import Scene
from openswarm.parl.workers.profile import Distribution


def made(task: EvalTask, *turns: Any, seed: int = 0, **workers: Any) -> Rollout:
    """A rollout of a script with such workers."""
    env = environment(**workers)
    return anyio.run(env.rollout, request(task, seed=seed), Script(turns), Seat())


@pytest.mark.requirement("parl.frozen-workers")
def test_the_writer_knows_only_what_the_orchestrator_has_read() -> None:
    """Every page that a part needs, and of no other part."""
    task = wide_task(10)
    scene = Scene(task, documents(), profile(), 0, page_bytes_of("lands"))
    two_pages = task.parts[8]
    assert scene.pages_of(two_pages) == [(file_of(LANDS[8]), 1), (file_of(LANDS[8]), 2)]
    scene.read[ROOT].add((file_of(LANDS[8]), 1))
    assert not scene.known_by_root(two_pages)
    scene.read["root/1"].add((file_of(LANDS[8]), 2))
    assert not scene.known_by_root(two_pages)
    scene.read[ROOT].add((file_of(LANDS[8]), 2))
    assert scene.known_by_root(two_pages)
    assert not scene.known_by_root(task.parts[0])


@pytest.mark.requirement("parl.frozen-workers")
def test_a_part_that_was_not_read_to_its_end_is_not_answered() -> None:
    """A fact on the second page."""
    task = fact_task(9)
    assert made(task, read(0)).success == 0.0
    assert made(task, read(0), read(0)).success == 1.0
    assert made(task).success == 0.0
    assert made(task, assign(0)).success == 1.0
    assert made(task, assign(0), fail_rate=1.0).success == 0.0
    assert made(task, assign(0), wrong_cell_rate=1.0).success == 0.0


@pytest.mark.requirement("parl.frozen-workers")
def test_a_worker_of_another_document_brings_nothing() -> None:
    """Whatever was asked of it."""
    assert made(unnamed(fact_task(9)), assign(3)).success == 0.0
    assert made(unnamed(wide_task(2)), assign(5, 6)).success == 0.0


@pytest.mark.requirement("parl.frozen-workers")
@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 5), st.integers(1, 4), st.integers(0, 3))
def test_workers_take_the_steps_that_were_measured(extra: int, width: int, first: int) -> None:
    """One for each page, the report, and what is extra."""
    values = Distribution(count=1, values=(float(extra),))
    places = range(first, first + width)
    task = wide_task(8)
    rollout = made(task, assign(*places), extra_steps=values)
    assert rollout.stages[0].steps == (2 + extra,) * width
    assert set(rollout.stages[0].tokens) == {110 * (2 + extra)}


@pytest.mark.requirement("parl.frozen-workers")
def test_a_second_try_is_another_draw_and_a_second_rollout_the_same() -> None:
    """Draws depend on the seed, the task and the place alone."""
    scene = Scene(wide_task(3), documents(), profile(), 5)
    same = Scene(wide_task(3), documents(), profile(), 5)
    other = Scene(wide_task(3), documents(), profile(), 6)
    assert scene.draws("worker", "a", 1).random() == same.draws("worker", "a", 1).random()
    assert scene.draws("worker", "a", 1).random() != scene.draws("worker", "a", 2).random()
    assert scene.draws("worker", "a", 1).random() != other.draws("worker", "a", 1).random()
    state = random.getstate()
    made(wide_task(3), assign(0, 1), fail_rate=0.5)
    assert random.getstate() == state


@pytest.mark.requirement("parl.frozen-workers")
def test_workers_fail_and_err_as_often_as_their_figures_say() -> None:
    """Over many assignments; the orchestrator is told which completed."""
    outcomes = [
        outcome
        for seed in range(25)
        for stage in made(wide_task(8), assign(*range(8)), seed=seed, fail_rate=0.3).stages
        for outcome in stage.outcomes
    ]
    assert len(outcomes) == 200
    share = sum(outcome != "completed" for outcome in outcomes) / len(outcomes)
    assert share == pytest.approx(0.3, abs=0.12)
    wrong = [
        made(wide_task(8), assign(*range(8)), seed=seed, wrong_cell_rate=0.5).item_f1
        for seed in range(10)
    ]
    assert 0.6 < sum(wrong) / len(wrong) < 0.9

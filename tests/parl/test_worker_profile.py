"""A worker's profile is what journals of real runs say, and what is drawn from it follows it."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openswarm.core.contract import Column
from openswarm.core.errors import Fault, ModelError, UserError
from openswarm.core.events import ModelReplied, ReportReceived, RunStarted
from openswarm.core.messages import Usage
from openswarm.evals.task import EvalTask, Part
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.parl.workers.measure import MeasuredRun, measure, observe, same_value
from openswarm.parl.workers.profile import (
    Distribution,
    WorkerProfile,
    load_profile,
    read_profile,
    shipped_profiles,
    write_profile,
)
from swarm_scripts import COLUMNS, Swarm, batch, brief, calls, of, scripted, turn

TRUTH = {
    "Chile": ("Santiago", "19000000"),
    "Peru": ("Lima", "34000000"),
    "Bolivia": ("Sucre", "12000000"),
    "Brazil": ("Brasilia", "220000000"),
}
TASK = EvalTask(
    id="capitals",
    family="factbook-wide",
    kind="wide",
    split="train",
    template="t",
    question="Capitals?",
    corpus="",
    scope=(),
    gold=tuple(
        {"country": name, "capital": capital, "population": population}
        for name, (capital, population) in TRUTH.items()
    ),
    parts=tuple(Part(name=name, documents=("a", "b")[: 1 + (name == "Peru")]) for name in TRUTH),
)
PROFILE: dict[str, Any] = {
    "name": "made-up",
    "measured": False,
    "assignments": 0,
    "cells": 0,
    "fail_rate": 0.25,
    "wrong_cell_rate": 0.1,
    "empty_cell_rate": 0.2,
    "extra_steps": Distribution(count=4, values=(0, 0, 0, 2)),
    "failed_extra_steps": Distribution(count=1, values=(5,)),
    "step_seconds": Distribution(count=3, values=(1, 2, 9)),
    "input_tokens": Distribution(count=2, values=(100, 300)),
    "output_tokens": Distribution(count=1, values=(10,)),
}
samples = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=600)
shares = st.floats(0, 1)


def worker(request: Request) -> Say:
    """Right about Chile; late, wrong and silent about Peru; breaks on Bolivia, idle on Brazil."""
    name = next(name for name in TRUTH if name in brief(request))
    if name == "Bolivia":
        raise ModelError(Fault.REFUSED, "no")
    if name == "Brazil":
        return Say("Nothing.", usage=Usage(input_tokens=700, output_tokens=7))
    if name == "Peru" and not turn(request):
        return calls(("report", {"capital": "Lima"}))
    row = {"capital": "Cusco", "population": ""} if name == "Peru" else None
    row = row or {"capital": "santiago", "population": "19,010,000"}
    return calls(("report", {key: {"value": value} for key, value in row.items()}))


@pytest.fixture
async def run() -> MeasuredRun:
    """A finished run of four sub-agents, folded from its own journal."""
    model = scripted([calls(batch(TRUTH)), Say("Done.")], researcher=worker)
    swarm = Swarm(model, columns=COLUMNS)
    await swarm.run()
    return MeasuredRun(tuple(swarm.journal.events()), TASK)


def measured(*runs: MeasuredRun) -> WorkerProfile:
    """The profile of runs."""
    return measure("tried", runs, date="2026-11-29", machine="none")


@pytest.mark.anyio
@pytest.mark.requirement("parl.worker-profile")
async def test_a_profile_counts_outcomes_steps_and_cells_of_a_real_journal(
    run: MeasuredRun,
) -> None:
    profile = measured(run)
    assert profile.assignments == 4
    assert profile.outcomes == {"completed": 2, "failed": 1, "partial": 1}
    assert profile.fail_rate == 0.5
    assert (profile.cells, profile.wrong_cell_rate, profile.empty_cell_rate) == (4, 0.25, 0.25)
    replies = [e for e in of(run.events, ModelReplied) if e.agent != "root"]
    assert profile.step_seconds.count == len(replies) == profile.input_tokens.count
    assert profile.step_seconds.values == tuple(sorted(event.latency_s for event in replies))
    assert profile.input_tokens.quantile(1) == 700
    assert profile.measurement
    assert profile.measurement.model == of(run.events, RunStarted)[0].subagent_model
    assert profile.measurement.journals == (run.sha256,)


@pytest.mark.anyio
async def test_steps_are_counted_beyond_the_pages_that_an_assignment_needs(
    run: MeasuredRun,
) -> None:
    seen = {observed.assigned.item: observed for observed in observe(run)}
    assert (len(seen["Peru"].steps), seen["Peru"].pages, seen["Peru"].extra_steps) == (2, 2, 0)
    assert (len(seen["Chile"].steps), seen["Chile"].pages) == (1, 1)
    assert seen["Bolivia"].extra_steps == -1
    assert seen["Bolivia"].cells == ()


@pytest.mark.anyio
async def test_an_assignment_that_the_run_broke_off_is_left_out(run: MeasuredRun) -> None:
    reported = [i for i, event in enumerate(run.events) if event.type == "report_received"]
    cut = MeasuredRun(run.events[: reported[-1]], TASK)
    assert measured(cut).assignments == 3


@pytest.mark.anyio
async def test_an_assignment_that_was_cancelled_says_nothing_of_the_worker(
    run: MeasuredRun,
) -> None:
    events = [
        event.model_copy(update={"outcome": "cancelled"})
        if isinstance(event, ReportReceived) and event.outcome == "failed"
        else event
        for event in run.events
    ]
    profile = measured(MeasuredRun(events, TASK))
    assert profile.outcomes == {"completed": 2, "partial": 1}


@pytest.mark.anyio
async def test_a_profile_is_of_one_model_and_of_something(run: MeasuredRun) -> None:
    started = of(run.events, RunStarted)[0]
    other = started.model_copy(update={"subagent_model": "other/model"})
    with pytest.raises(UserError, match="one model and version"):
        measured(run, MeasuredRun((other, *run.events[1:]), TASK))
    with pytest.raises(UserError, match="nothing to measure"):
        measured(MeasuredRun((started,), TASK))
    with pytest.raises(UserError, match="none"):
        measured()


@pytest.mark.parametrize(
    ("kind", "value", "truth", "same"),
    [
        ("number", "7,281.5 km", "7281.5", True),
        ("number", "7300", "7281.5", True),
        ("number", "7400", "7281.5", False),
        ("number", "many", "7281.5", False),
        ("number", "0", "0", True),
        ("text", "the city of Asuncion", "Asunción", True),
        ("text", "Santiago", "Lima", False),
        ("text", "Black 'Tent' (a peak), 3,611 m", 'Black "Tent"', True),
        ("text", "unlimaginable", "Lima", False),
        ("text", "-", "+", False),
    ],
)
def test_values_are_the_same_within_rounding_or_when_the_true_words_stand_there(
    kind: Any, value: str, truth: str, same: bool
) -> None:
    assert same_value(Column(name="it", type=kind), value, truth) is same


@pytest.mark.requirement("parl.worker-profile")
def test_draws_follow_the_rates_and_distributions_of_the_profile() -> None:
    profile = WorkerProfile(**PROFILE)
    source = random.Random(5)
    drawn = [profile.draw(source, pages=3, cells=4) for _ in range(6000)]
    done = [attempt for attempt in drawn if attempt.completed]
    assert len(done) / len(drawn) == pytest.approx(0.75, abs=0.03)
    cells = Counter(cell for attempt in done for cell in attempt.cells)
    assert cells["wrong"] / cells.total() == pytest.approx(0.1, abs=0.02)
    assert cells["empty"] / cells.total() == pytest.approx(0.2, abs=0.02)
    assert {len(attempt.steps) for attempt in done} == {3, 5}
    assert sum(len(a.steps) == 5 for a in done) / len(done) == pytest.approx(0.25, abs=0.03)
    failed = [attempt for attempt in drawn if not attempt.completed]
    assert {(len(attempt.steps), attempt.cells) for attempt in failed} == {(8, ())}
    seconds = sorted(step.seconds for attempt in drawn for step in attempt.steps)
    assert seconds[len(seconds) // 2] == pytest.approx(2, abs=0.1)


def test_equal_seeds_draw_equal_attempts() -> None:
    profile = WorkerProfile(**PROFILE)
    assert profile.draw(random.Random(3)) == profile.draw(random.Random(3))


@given(samples, shares, shares)
def test_quantiles_rise_with_the_share_and_stay_among_the_samples(
    values: list[float], one: float, other: float
) -> None:
    distribution = Distribution.of(values)
    low, high = sorted((one, other))
    assert distribution.count == len(values)
    assert min(values) <= distribution.quantile(low) <= distribution.quantile(high) <= max(values)
    assert distribution.quantile(0) == min(values)
    assert distribution.quantile(1) == max(values)


@given(samples, st.integers())
def test_a_drawn_sample_is_one_that_was_measured(values: list[float], seed: int) -> None:
    assert Distribution.of(values).draw_sample(random.Random(seed)) in values


def test_a_profile_is_read_back_as_it_was_written_with_its_hash(tmp_path: Path) -> None:
    profile = WorkerProfile(**PROFILE)
    write_profile(profile, tmp_path / "own.json")
    again = read_profile(tmp_path / "own.json")
    assert again == profile
    assert again.sha256 == profile.sha256
    assert profile.model_copy(update={"fail_rate": 0.26}).sha256 != profile.sha256


@pytest.mark.parametrize("name", ["../secret", "no-such-worker", "", "STRONG"])
def test_a_profile_that_does_not_come_with_openswarm_is_refused_by_name(name: str) -> None:
    with pytest.raises(UserError, match=r"there are: .*strong"):
        load_profile(name)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"name": "x"}', '{"fail_rate": "0.1"}', "9" * 2_000_000]
)
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(UserError, match="worker profile"):
        read_profile(tmp_path / "bad.json")
    with pytest.raises(UserError, match="cannot read"):
        read_profile(tmp_path / "none.json")


@pytest.mark.parametrize(
    "changed",
    [
        {"wrong_cell_rate": 0.7, "empty_cell_rate": 0.7},
        {"measured": True},
        {"assignments": 3},
        {"fail_rate": 1.5},
        {"step_seconds": Distribution.model_construct(count=2, values=(2.0, 1.0)).model_dump()},
    ],
)
def test_figures_that_contradict_each_other_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        WorkerProfile(**(PROFILE | changed))


@pytest.mark.requirement("parl.worker-profile")
def test_shipped_profiles_say_whether_they_were_measured() -> None:
    profiles = {name: load_profile(name) for name in shipped_profiles()}
    assert [name for name, profile in profiles.items() if not profile.measured] == [
        "strong",
        "weak",
    ]
    for name, profile in profiles.items():
        assert profile.name == name
        assert profile.notes
    small = profiles["qwen2.5-coder-1.5b"]
    assert small.assignments >= 60
    assert small.measurement
    assert small.measurement.model == "local/qwen2.5-coder-1.5b"

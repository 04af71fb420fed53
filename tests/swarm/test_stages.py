"""Critical steps: Σ over stages of main steps and the longest sub-agent, as a fold over a run."""

from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from openswarm.core.errors import Fault, ModelError
from openswarm.core.events import Content, ModelReplied, TaskAssigned
from openswarm.core.limits import Limits
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.swarm.stages import SLOTS, Stages, fold_stages, makespan
from openswarm.tools.tool import tool
from swarm_scripts import FULL, Swarm, assign, batch, brief, calls, create, scripted, turn

pytestmark = pytest.mark.requirement("swarm.critical-steps")
ANSWER = Say("Done.")
STAGES = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), max_size=4)


@tool
def look(at: int) -> str:
    """Looks."""
    return f"saw {at}"


def work(request: Request) -> Say:
    """Takes as many steps as the brief says."""
    wanted = int(brief(request).split()[-1])
    return Say(FULL) if turn(request) == wanted - 1 else calls(("look", {"at": turn(request)}))


def run_of(lengths: Sequence[Sequence[int]]) -> Stages:
    """A run whose orchestrator replies once for each stage and then answers."""
    events: list[ModelReplied | TaskAssigned] = []
    number = 0
    for stage, steps in enumerate(lengths, 1):
        events.append(ModelReplied(model="m"))
        for count in steps:
            number += 1
            path = f"root/{number}"
            empty = Content()
            events.append(TaskAssigned(agent=path, stage=stage, system=empty, brief=empty))
            events += [ModelReplied(agent=path, model="m")] * count
    return fold_stages([*events, ModelReplied(model="m")])


@pytest.mark.anyio
async def test_the_worked_example_of_the_report() -> None:
    def one(steps: int, number: int) -> tuple:
        return assign(f"Work number {number} of steps {steps}")

    model = scripted(
        [
            calls(("look", {"at": 0})),
            calls(create("a"), create("b"), create("c")),
            calls(*(one(steps, n) for n, steps in enumerate((12, 9, 14, 7, 14, 3)))),
            calls(one(4, 6), one(20, 7)),
            ANSWER,
        ],
        researcher=work,
    )
    stats = (await Swarm(model, tools=[look]).run()).stats
    assert stats.critical_steps == 5 + 14 + 20
    assert stats.total_steps == 5 + 59 + 24
    assert stats.parallelism == 2.44
    assert (stats.stages, stats.sub_agents) == (2, 8)
    assert stats.critical_steps_at_slots == {1: 88, 4: 5 + 21 + 20, 16: 39, 64: 39}


@pytest.mark.anyio
async def test_a_run_without_sub_agents_has_its_own_steps_alone() -> None:
    model = scripted([calls(("look", {"at": 0}), ("look", {"at": 1})), ANSWER])
    stats = (await Swarm(model, tools=[look]).run()).stats
    assert (stats.critical_steps, stats.total_steps, stats.stages) == (2, 2, 0)
    assert stats.parallelism == 1.0
    assert set(stats.critical_steps_at_slots) == set(SLOTS)
    assert set(stats.critical_steps_at_slots.values()) == {2}


@pytest.mark.anyio
async def test_one_that_fails_or_is_stopped_counts_the_steps_that_it_used() -> None:
    def step(request: Request) -> Say:
        if "fails" in brief(request) and turn(request) == 3:
            return Say(error=ModelError(Fault.REFUSED, "no"))
        return calls(("look", {"at": turn(request)}))

    model = scripted([calls(batch(["fails", "goes on"])), ANSWER], researcher=step)
    swarm = Swarm(model, tools=[look], limits=Limits(subagent_steps=5))
    stats = (await swarm.run()).stats
    assert stats.critical_steps == 2 + 6
    assert stats.total_steps == 2 + 3 + 6


@pytest.mark.anyio
async def test_a_refused_assignment_is_no_stage() -> None:
    refused = calls(batch(["1"], agent="nobody"))
    model = scripted([refused, calls(batch(["1"])), ANSWER], researcher=[Say(FULL)])
    stats = (await Swarm(model).run()).stats
    assert (stats.stages, stats.critical_steps) == (1, 4)


@settings(deadline=None, max_examples=50)
@given(STAGES)
def test_critical_steps_are_all_steps_only_where_nobody_worked_beside_another(
    lengths: list[list[int]],
) -> None:
    run = run_of(lengths)
    assert run.critical_steps <= run.total_steps
    shared = any(sum(count > 0 for count in stage) > 1 for stage in lengths)
    assert (run.critical_steps == run.total_steps) == (not shared)
    assert run.parallelism >= 1.0


@settings(deadline=None, max_examples=50)
@given(STAGES, st.integers(0, 3))
def test_an_idle_sub_agent_changes_nothing(lengths: list[list[int]], where: int) -> None:
    assume(len(lengths) > where)
    idle = [[*stage, 0] if n == where else stage for n, stage in enumerate(lengths)]
    assert run_of(idle).critical_steps == run_of(lengths).critical_steps
    for slots in SLOTS:
        assert run_of(idle).critical_steps_at(slots) == run_of(lengths).critical_steps_at(slots)


@settings(deadline=None, max_examples=50)
@given(STAGES, st.integers(2, 9), st.integers(2, 5))
def test_work_of_one_that_is_split_among_several_takes_fewer(
    lengths: list[list[int]], steps: int, among: int
) -> None:
    parts = [steps // among + (n < steps % among) for n in range(among)]
    alone, split = run_of([*lengths, [steps]]), run_of([*lengths, parts])
    assert split.critical_steps < alone.critical_steps
    assert split.total_steps == alone.total_steps


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=12), st.integers(1, 14))
def test_at_k_slots_the_end_lies_between_the_bounds_of_list_scheduling(
    lengths: list[int], slots: int
) -> None:
    end = makespan(lengths, slots)
    assert max(max(lengths), -(-sum(lengths) // slots)) <= end
    assert end * slots <= sum(lengths) + (slots - 1) * max(lengths)
    assert makespan(lengths, 1) == sum(lengths)
    assert makespan(lengths, len(lengths)) == max(lengths)
    assert makespan(lengths, slots + 1) <= end


def test_each_starts_in_the_order_of_assignment_where_a_place_is_free_first() -> None:
    assert makespan([12, 9, 14, 7, 14, 3], 4) == 21
    assert makespan([3, 3, 6], 2) == 9
    assert makespan([6, 3, 3], 2) == 6
    assert makespan([], 4) == 0

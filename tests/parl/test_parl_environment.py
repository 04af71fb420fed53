"""Rollouts are ordinary runs: the same loop, tools, scheduler and journal, and many at once."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from parl_cases import (
    Drawn,
    Script,
    assign,
    environment,
    fact_task,
    read,
    request,
    small_policy,
    unnamed,
    wide_task,
)

from openswarm.core.events import (
    ROOT,
    Admitted,
    Answered,
    AnyEvent,
    Content,
    ModelReplied,
    ReportReceived,
    RunStarted,
    TaskAssigned,
    ToolReturned,
)
from openswarm.core.messages import Message, Usage
from openswarm.core.settings import Settings
from openswarm.journal.journal import MemoryJournal
from openswarm.k25.model import K25
from openswarm.llm.model import OnDelta, Reply, Request, ignore
from openswarm.llm.policy.deciders import Together
from openswarm.llm.policy.sampler import Job, Sampler
from openswarm.modes.run import run
from openswarm.parl.environment import NOWHERE, Seat, limits_of, page_bytes_of, question_of
from openswarm.parl.reward import reward_of
from openswarm.parl.rollout import Rollout
from openswarm.parl.scene import Scene
from openswarm.parl.simulated import ScriptedWorker, _Frozen
from openswarm.parl.workers.profile import Distribution
from openswarm.swarm.stages import Stages, fold_stages

UNEVEN = Distribution(count=4, values=(0.0, 0.0, 1.0, 4.0))
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""A rollout is too slow to be shrunk."""
pytestmark = pytest.mark.anyio


@pytest.fixture
def model() -> K25:
    """A policy with fresh weights, made before the event loop runs."""
    return small_policy()


@pytest.fixture
def journals(monkeypatch: pytest.MonkeyPatch) -> list[MemoryJournal]:
    """The journals of the rollouts that are made, in order of their beginnings."""
    kept: list[MemoryJournal] = []

    def made(run_id: str) -> MemoryJournal:
        kept.append(MemoryJournal(run_id=run_id))
        return kept[-1]

    monkeypatch.setattr("openswarm.parl.environment.MemoryJournal", made)
    return kept


@dataclass(slots=True, eq=False)
class Replay(_Frozen):
    """An ordinary chat model that says what it is given."""

    messages: list[Message]

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        message = self.messages.pop(0)
        return Reply(message, Usage(), "tool_calls" if message.tool_calls else "stop")


def shape(events: Sequence[AnyEvent]) -> list[tuple[str, str]]:
    """What happened and to whom."""
    return [(event.type, event.agent) for event in events]


@pytest.mark.requirement("parl.one-path")
async def test_a_rollout_is_the_run_that_an_ordinary_model_would_have(
    journals: list[MemoryJournal],
) -> None:
    """The same calls said by a chat model to `openswarm.run` give the same events, one by one."""
    env, task = environment(), unnamed(wide_task(3))
    asked = request(task)
    await env.rollout(asked, Script([read(0), assign(0, 1, 2), assign(3)]), Seat())
    (mine,) = journals
    said = [
        Message(role="assistant", content=mine.read(event.text), tool_calls=event.calls)
        for event in mine.events()
        if isinstance(event, ModelReplied) and event.agent == ROOT
    ]
    scene = Scene(task, env.corpora["lands"], env.profile, 0, page_bytes_of("lands"))
    other = MemoryJournal(run_id="ordinary")
    await run(
        question_of(task), model=Replay(said), subagent_model=ScriptedWorker(scene),
        tools=scene.tools(), columns=task.contract, mode="swarm", limits=limits_of(asked),
        journal=other, home=NOWHERE, settings=Settings(),
    )  # fmt: skip
    assert shape(mine.events()) == shape(other.events())
    kinds = {type(event) for event in mine.events()}
    assert {RunStarted, TaskAssigned, Admitted, ReportReceived, ToolReturned, Answered} <= kinds


@pytest.mark.requirement("parl.one-path")
async def test_only_the_orchestrator_leaves_traces(journals: list[MemoryJournal]) -> None:
    """Its replies carry what a trainer needs; those of sub-agents carry nothing."""
    await environment().rollout(request(wide_task(3)), Script([assign(0, 1, 2)]), Seat())
    replies = [event for event in journals[0].events() if isinstance(event, ModelReplied)]
    assert {event.agent == ROOT for event in replies} == {True, False}
    for event in replies:
        assert (event.trace != Content()) == (event.agent == ROOT)


@pytest.mark.requirement("parl.one-path")
async def test_sub_agents_of_a_turn_work_at_the_same_time(
    journals: list[MemoryJournal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of four is answered before all four have asked."""
    asked, all_there = set[object](), anyio.Event()
    plain = ScriptedWorker.reply

    async def waiting(self: ScriptedWorker, wish: Request, on_delta: OnDelta = ignore) -> Reply:
        asked.add(wish.history)
        if len(asked) == 4:
            all_there.set()
        await all_there.wait()
        return await plain(self, wish, on_delta)

    monkeypatch.setattr(ScriptedWorker, "reply", waiting)
    with anyio.fail_after(20):
        made = await environment().rollout(
            request(wide_task(4)), Script([assign(0, 1, 2, 3)]), Seat()
        )
    assert fold_stages(journals[0].events()).max_in_flight == 4
    assert [stage.width for stage in made.stages] == [4]


@pytest.mark.requirement("parl.one-path")
async def test_a_rollout_is_scored_by_what_the_run_handed_in() -> None:
    """Delegated or read alone, whole or in part; critical steps tell them apart."""
    env, task = environment(), wide_task(3)

    async def made(*turns: Any) -> Rollout:
        return await env.rollout(request(task), Script(turns), Seat())

    at_once, alone = await made(assign(0, 1, 2)), await made(read(0), read(1), read(2))
    one_by_one, half = await made(assign(0), assign(1), assign(2)), await made(assign(0))
    assert at_once.success == alone.success == one_by_one.success == 1.0
    assert at_once.quality == 1.0
    assert half.success == 0.0
    assert 0 < half.item_f1 < 1
    assert half.quality == pytest.approx(half.item_f1 / 2)
    assert (at_once.critical_steps, alone.critical_steps, one_by_one.critical_steps) == (4, 4, 10)
    assert at_once.total_steps == 2 + 3 * 2
    assert at_once.seconds == 2.0 * 4
    assert one_by_one.seconds == 2.0 * 10
    assert at_once.correct_cells == 6


@pytest.mark.requirement("parl.reward")
async def test_the_result_is_worth_the_same_however_it_was_reached() -> None:
    """Read alone, delegated, or both: r_perf does not favour who delegates."""
    env, task = environment(), wide_task(3)
    ways = ([read(0), read(1), read(2)], [assign(0, 1, 2)], [assign(0, 1), read(2)])
    made = [await env.rollout(request(task), Script(turns), Seat()) for turns in ways]
    assert [rollout.quality for rollout in made] == [1.0, 1.0, 1.0]


@pytest.mark.requirement("parl.reward")
async def test_what_the_orchestrator_reads_itself_is_no_useful_work_of_others() -> None:
    """A page that it opened before it had it read, and any assignment of a control."""
    env, task = environment(), wide_task(3)
    ways = ([assign(0, 1, 2)], [read(0), assign(0, 1, 2)])
    made = [await env.rollout(request(task), Script(turns), Seat()) for turns in ways]
    useful = [rollout.stages[0].useful for rollout in made]
    assert useful == [(True, True, True), (False, True, True)]
    fact = request(unnamed(fact_task(0)))
    control = await env.rollout(fact, Script([assign(0, 1)]), Seat())
    assert control.success == 1.0
    assert control.stages[0].outcomes == ("completed", "completed")
    assert reward_of(control, (1.0, 0.0)).parallel == 0.0


@pytest.mark.requirement("parl.one-path")
@pytest.mark.parametrize("joint", [False, True])
async def test_a_policy_can_do_the_work_of_sub_agents(model: K25, joint: bool) -> None:
    """It opens pages and reports; its tokens are in the rollout only where they are trained."""
    task = wide_task(3)
    workers = Together(Sampler(model, slots=8, tokens=512))
    env = environment(workers=workers, joint=joint)
    made = await env.rollout(request(task), Script([assign(0, 1, 2)]), Seat())
    assert made.stages[0].width == 3
    assert all(made.stages[0].steps)
    assert len(made.segments) == (4 if joint else 1)


@pytest.mark.requirement("parl.one-path")
async def test_the_same_request_and_weights_give_the_same_rollout(model: K25) -> None:
    """Tokens, log-probabilities, stages and score; another seed gives another."""
    env = environment(fail_rate=0.3, extra_steps=UNEVEN)
    asked = [request(wide_task(w), seed=s, critical=16) for w in (3, 5) for s in (1, 2)]

    async def made() -> list[Rollout]:
        return await env.rollouts(asked, Together(Sampler(model, slots=4, tokens=2048)), Seat())

    first, again = await made(), await made()
    assert first == again
    assert first[0].segments != first[1].segments


@pytest.mark.requirement("parl.one-path")
async def test_a_rollout_does_not_depend_on_those_beside_it() -> None:
    """Made alone or among others, it is the same."""
    env = environment(fail_rate=0.3, wrong_cell_rate=0.2, extra_steps=UNEVEN)
    asked = [request(wide_task(3 + s % 4), seed=s, critical=20) for s in range(12)]
    together = await env.rollouts(asked, Drawn(5), Seat())
    alone = [await env.rollout(one, Drawn(5), Seat()) for one in asked]
    assert together == alone


class Counting(Sampler):
    """A sampler that notes how many conversations it decides at once."""

    def decide(self, jobs: Sequence[Job]) -> None:
        """See `Sampler.decide`."""
        self.sizes = [*getattr(self, "sizes", []), len(jobs)]
        super().decide(jobs)


@pytest.mark.slow
@pytest.mark.requirement("parl.one-path")
async def test_hundreds_of_rollouts_are_decided_together(model: K25) -> None:
    """The first turn of 256 rollouts is one batch, and each is a rollout of its own."""
    env, count = environment(fail_rate=0.2), 256
    asked = [request(wide_task(3 + n % 3), seed=n, critical=14) for n in range(count)]
    sampler = Counting(model, slots=count, tokens=1024)
    made = await env.rollouts(asked, Together(sampler), Seat())
    assert sampler.sizes[0] == count
    assert [rollout.task for rollout in made] == [one.task.id for one in asked]
    assert len({rollout.segments for rollout in made}) > count // 2


@pytest.mark.requirement("parl.one-path")
async def test_a_seat_says_which_tools_there_are() -> None:
    """Alone, without tools of its own, with one call a turn."""
    env, task = environment(), wide_task(3)
    for seat, tools, most in (
        (Seat(), ("create_subagent", "assign_task", "open"), 9),
        (Seat(spawn=False), ("open",), 9),
        (Seat(direct=False), ("create_subagent", "assign_task"), 9),
        (Seat(parallel=False), ("create_subagent", "assign_task", "open"), 1),
    ):
        script = Script([read(0) if seat.direct else assign(0)])
        made = await env.rollout(request(task), script, seat)
        assert script.facts[0].tools == tools
        assert min(script.facts[0].max_calls, 9) == most
        assert made.spawned == (0 if seat.direct else 1)


@pytest.mark.requirement("parl.one-path")
async def test_delegating_a_control_costs_steps_and_brings_nothing() -> None:
    """The same answer, more steps, and no width."""
    env, task = environment(), fact_task(2)
    alone = await env.rollout(request(task), Script([read(0)]), Seat())
    delegated = await env.rollout(request(task), Script([assign(0)]), Seat())
    assert alone.success == delegated.success == 1.0
    assert alone.critical_steps < delegated.critical_steps
    assert task.width == 0
    assert alone.meta["kind"] == "fact"


@pytest.mark.requirement("parl.frozen-workers")
async def test_no_rollout_changes_the_workers() -> None:
    """Their figures have the same hash before and after."""
    env = environment(fail_rate=0.3, extra_steps=UNEVEN)
    before = env.profile.sha256
    asked = [request(wide_task(4), seed=seed, critical=20) for seed in range(8)]
    await env.rollouts(asked, Drawn(1), Seat())
    assert env.profile.sha256 == before


def drawn(seed: int, budget: int | None, steps: int | None = None) -> Rollout:
    """A rollout whose decisions, workers and task were drawn."""
    numbers = random.Random(seed)
    task = numbers.choice((wide_task(numbers.randint(2, 8)), fact_task(numbers.randrange(6))))
    env = environment(fail_rate=0.3, extra_steps=UNEVEN, failed_extra_steps=UNEVEN)
    asked = request(task, seed=seed, critical=budget, steps=steps)
    decider = Drawn(seed, ending=numbers.choice((0.05, 0.3)))
    seat = Seat(parallel=numbers.random() < 0.8)
    return anyio.run(env.rollout, asked, decider, seat)


@pytest.mark.requirement("parl.budget")
@settings(max_examples=40, deadline=None, phases=PHASES)
@given(st.integers(0, 10**6), st.integers(1, 24))
def test_the_critical_step_budget_is_never_exceeded(seed: int, budget: int) -> None:
    """At any budget and whatever is decided or fails; every rollout answers."""
    made = drawn(seed, budget)
    assert 1 <= made.critical_steps <= budget
    assert made.critical_steps <= made.total_steps
    assert made.outcome in {"completed", "partial"}


@pytest.mark.requirement("parl.budget")
@settings(max_examples=30, deadline=None, phases=PHASES)
@given(st.integers(0, 10**6))
def test_critical_steps_are_all_steps_where_nothing_was_done_at_once(seed: int) -> None:
    """Equal if and only if no stage had two sub-agents with steps; without a budget, too."""
    made = drawn(seed, 40)
    at_once = any(sum(steps > 0 for steps in stage.steps) > 1 for stage in made.stages)
    assert made.critical_steps <= made.total_steps
    assert (made.critical_steps == made.total_steps) == (not at_once)
    longest = sum(max(stage.steps) for stage in made.stages)
    assert made.critical_steps == made.main_steps + longest


@pytest.mark.requirement("parl.budget")
@settings(max_examples=30, deadline=None, phases=PHASES)
@given(st.integers(0, 10**6), st.integers(1, 24))
def test_a_budget_of_all_steps_counts_everybodys(seed: int, budget: int) -> None:
    """The arm with a total budget."""
    made = drawn(seed, None, budget)
    assert made.total_steps <= budget


@pytest.mark.requirement("parl.budget")
async def test_at_the_end_of_the_budget_the_answer_is_forced(
    journals: list[MemoryJournal],
) -> None:
    """The last turn offers no tools; what was found so far is scored as usual."""
    script = Script([assign(0), assign(1), assign(2)])
    made = await environment().rollout(request(wide_task(3), critical=6), script, Seat())
    assert script.facts[-1].tools == ()
    assert made.budget_hit
    assert made.critical_steps == 6
    assert 0 < made.item_f1 < 1
    assert isinstance(journals[0].events()[-1], Answered)


def stages_of(*groups: Sequence[int]) -> Stages:
    """The fold over the events of a run with these steps of sub-agents, a turn a stage."""
    stages = Stages()
    for number, group in enumerate(groups, 1):
        stages.apply(ModelReplied(agent=ROOT, model="m"))
        for place, steps in enumerate(group):
            path = f"{ROOT}/s{number}-{place}"
            nothing = Content()
            assigned = TaskAssigned(agent=path, stage=number, system=nothing, brief=nothing)
            stages.apply(assigned)
            for _ in range(steps):
                stages.apply(ModelReplied(agent=path, model="m"))
    return stages


@pytest.mark.requirement("parl.budget")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(1, 12), max_size=4), max_size=3), st.data())
def test_splitting_shortens_the_path_and_idle_workers_leave_it(
    groups: list[list[int]], data: st.DataObject
) -> None:
    """The work of the longest, split evenly over n, is a shorter path and the same total."""
    pieces = data.draw(st.integers(2, 4))
    share = data.draw(st.integers(1, 5))
    longest = pieces * share + max((max(group, default=0) for group in groups), default=0)
    longest += -longest % pieces
    whole = stages_of(*groups, [longest])
    split = stages_of(*groups, [longest // pieces] * pieces)
    idle = stages_of(*groups, [longest, *[0] * pieces])
    assert split.critical_steps < whole.critical_steps
    assert split.total_steps == whole.total_steps
    assert idle.critical_steps == whole.critical_steps


@pytest.mark.requirement("parl.budget")
def test_the_published_example_of_critical_steps() -> None:
    """Six workers, then two, between direct turns; the answering turn is a main step here."""
    stages = stages_of([], [], [12, 9, 14, 7, 14, 3], [4, 20], [])
    assert stages.critical_steps == 38 + 1
    assert stages.total_steps == 87 + 1
    assert round(stages.parallelism, 2) == 2.44

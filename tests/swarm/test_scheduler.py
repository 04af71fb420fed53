"""A stage: its sub-agents run at once, and one that breaks is a value that nobody else notices."""

from functools import partial

import anyio
import pytest

from openswarm.agent.control import Control
from openswarm.core.errors import Fault, ModelError
from openswarm.core.events import Admitted, ReportReceived
from openswarm.core.limits import Limits
from openswarm.core.result import Report
from openswarm.journal.journal import MemoryJournal
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.swarm.assignment import AgentSpec, Assignment
from openswarm.swarm.scheduler import Scheduler
from openswarm.tools.tool import tool
from swarm_scripts import (
    FULL,
    Meeting,
    Swarm,
    assign,
    assigned,
    batch,
    brief,
    calls,
    last_told,
    of,
    scripted,
    told,
    turn,
)

pytestmark = pytest.mark.anyio
ANSWER = Say("Done.")
OTHERS = [f"unit {n}" for n in range(9)]


@pytest.mark.requirement("swarm.batch")
async def test_one_call_assigns_a_hundred_that_all_run_at_once() -> None:
    meeting = Meeting(100)
    items = [f"unit {n}" for n in range(100)]
    swarm = Swarm(scripted([calls(batch(items)), ANSWER], wait=meeting, researcher=[Say(FULL)]))
    result = await swarm.run()
    assert meeting.most == 100
    assert result.stats.max_in_flight == result.stats.sub_agents == 100
    assert result.stats.stages == 1
    assert result.outcome == "completed"


@pytest.mark.requirement("swarm.at-once")
async def test_all_calls_of_one_turn_are_one_stage_that_runs_at_once() -> None:
    meeting = Meeting(4)
    model = scripted(
        [calls(assign("One."), batch(["Two", "Three"]), assign("Four.")), ANSWER],
        wait=meeting,
        researcher=[Say(FULL)],
    )
    result = await Swarm(model).run()
    assert meeting.most == 4
    assert result.stats.stages == 1


async def test_a_direct_call_runs_beside_the_sub_agents_of_the_same_turn() -> None:
    met = {"tool": anyio.Event(), "sub-agent": anyio.Event()}

    async def meet(me: str, other: str) -> None:
        met[me].set()
        with anyio.fail_after(5):
            await met[other].wait()

    async def wait(request: Request) -> None:
        if request.agent == "researcher":
            await meet("sub-agent", "tool")

    @tool
    async def look() -> str:
        """Looks."""
        await meet("tool", "sub-agent")
        return "looked"

    model = scripted(
        [calls(("look", {}), batch(["Chile"])), ANSWER], wait=wait, researcher=[Say(FULL)]
    )
    await Swarm(model, tools=[look]).run()
    assert last_told(model)[0] == "looked"
    assert "1 of 1 completed" in last_told(model)[1]


@pytest.mark.requirement("swarm.queue")
async def test_what_is_over_max_parallel_waits_its_turn() -> None:
    meeting = Meeting(3)
    items = [f"unit {n}" for n in range(12)]
    model = scripted([calls(batch(items)), ANSWER], wait=meeting, researcher=[Say(FULL)])
    swarm = Swarm(model, limits=Limits(max_parallel=3))
    result = await swarm.run()
    assert meeting.most == result.stats.max_in_flight == 3
    assert len(swarm.reports()) == 12
    order = [event.agent for event in of(swarm, Admitted)]
    assert order == [event.agent for event in assigned(swarm)]


@pytest.mark.requirement("swarm.at-once")
async def test_reports_come_in_the_order_of_the_calls_whoever_is_done_first() -> None:
    done: list[str] = []
    gates = {name: anyio.Event() for name in ("a", "b", "c", "d")}
    gates["d"].set()
    after = {"d": "c", "c": "b", "b": "a"}

    async def wait(request: Request) -> None:
        if request.agent == "researcher":
            await gates[brief(request)[-2]].wait()

    def work(request: Request) -> Say:
        name = brief(request)[-2]
        done.append(name)
        if name in after:
            gates[after[name]].set()
        return Say(f"About {name}. {FULL}")

    made = calls(assign("Do a."), batch(["b", "c"]), assign("Do d."))
    model = scripted([made, ANSWER], wait=wait, researcher=work)
    swarm = Swarm(model)
    with anyio.fail_after(5):
        await swarm.run()
    assert done == ["d", "c", "b", "a"]
    messages = [m for m in model.requests["orchestrator"][-1] if m.role == "tool"]
    assert [m.tool_call_id for m in messages] == ["call_0_0", "call_0_1", "call_0_2"]
    texts = told(messages)
    assert "About a." in texts[0]
    assert texts[1].index("About b.") < texts[1].index("About c.")
    assert "About d." in texts[2]


@pytest.mark.requirement("swarm.isolation")
async def test_one_message_a_call_goes_up_and_of_a_sub_agent_its_report_alone() -> None:
    @tool
    def look() -> str:
        """Looks."""
        return "what the tool saw"

    model = scripted(
        [calls(batch(["Chile", "Peru"]), text="I begin."), ANSWER],
        researcher=[calls(("look", {}), text="a thought on the way"), Say(FULL)],
    )
    await Swarm(model, tools=[look]).run("The task.")
    messages = model.requests["orchestrator"][-1]
    assert [m.role for m in messages] == ["system", "user", "assistant", "tool"]
    assert FULL.strip() in messages[-1].text
    assert "what the tool saw" not in messages[-1].text
    assert "on the way" not in messages[-1].text
    for messages in model.requests["researcher"]:
        assert "I begin." not in str(messages)
        assert "The task." not in str(messages)
        assert ("Peru" in str(messages)) != ("Chile" in str(messages))


@tool
def look(at: str) -> str:
    """Looks at something."""
    if at == "the wall":
        raise ValueError("there is no wall")
    return f"saw {at}"


def refuse(fault: Fault) -> Say:
    return Say(error=ModelError(fault, f"the endpoint says {fault}"))


def first_then(first: Say, later: Say, request: Request) -> Say:
    return first if turn(request) == 0 else later


def different_calls(request: Request) -> Say:
    return calls(("look", {"at": f"place {turn(request)}"}))


WORK = Say(f"Handed back. {FULL}")
SAME_CALL = calls(("look", {"at": "the same"}))
BROKEN = {
    "tool raises": (
        partial(first_then, calls(("look", {"at": "the wall"})), WORK),
        "completed",
        "",
    ),
    "unknown tool": (partial(first_then, calls(("fly", {})), WORK), "completed", ""),
    "broken JSON": (partial(first_then, calls(("look", '{"at": ')), WORK), "completed", ""),
    "HTTP 400": (lambda _: refuse(Fault.REFUSED), "failed", "model: refused"),
    "HTTP 500": (lambda _: refuse(Fault.SERVER), "failed", "model: server"),
    "a cut stream": (lambda _: refuse(Fault.BROKEN), "failed", "model: broken_stream"),
    "a bug": (lambda _: {}["key"], "failed", "internal: KeyError"),
    "the same call": (lambda _: SAME_CALL, "empty", "the same call 3 times in a row"),
    "calls without end": (different_calls, "empty", "limit of 6 steps"),
    "says nothing": (lambda _: Say(""), "empty", "the model answered nothing"),
}


@pytest.mark.requirement("swarm.failure")
@pytest.mark.parametrize("broken", BROKEN)
async def test_one_that_breaks_leaves_the_others_whole_and_says_how_it_ended(broken: str) -> None:
    step, outcome, why = BROKEN[broken]

    def work(request: Request) -> Say:
        if "the broken one" in brief(request):
            return step(request)
        return calls(("look", {"at": "it"})) if turn(request) == 0 else Say(FULL)

    model = scripted([calls(batch([*OTHERS, "the broken one"])), ANSWER], researcher=work)
    swarm = Swarm(model, tools=[look], limits=Limits(subagent_steps=6, retry_s=0))
    result = await swarm.run()
    ended = swarm.reports()
    mine = ended.pop("the broken one")
    assert len(ended) == 9
    assert {(r.outcome, r.steps, r.text.text) for r in ended.values()} == {("completed", 2, FULL)}
    assert (mine.outcome, mine.why) == (outcome, why)
    assert result.outcome == "completed"
    text = last_told(model)[-1]
    assert f"{9 + (outcome == 'completed')} of 10 completed" in text
    assert ("Missing: the broken one" in text) == (outcome != "completed")
    failures = [(f.agent, f"{f.boundary}: {f.kind}") for f in result.failures]
    assert failures == ([("root/10", why)] if outcome == "failed" else [])


async def test_a_failure_carries_the_message_of_what_broke() -> None:
    model = scripted([calls(batch(["Chile"])), ANSWER], researcher=lambda _: refuse(Fault.REFUSED))
    swarm = Swarm(model)
    result = await swarm.run()
    assert result.failures[0].message == "the endpoint says refused"
    assert swarm.reports()["Chile"].failure == result.failures[0]


async def test_a_passing_fault_is_mended_without_the_sub_agent_noticing() -> None:
    replies = iter([refuse(Fault.SERVER), Say(FULL)])
    swarm = Swarm(scripted([calls(batch(["Chile"])), ANSWER], researcher=lambda _: next(replies)))
    with anyio.fail_after(5):
        result = await swarm.run()
    assert swarm.reports()["Chile"].outcome == "completed"
    assert not result.failures
    assert len(of(swarm, ReportReceived)) == 1


async def test_the_scheduler_itself_gives_the_reports_in_the_order_of_assignment() -> None:
    spec, journal = AgentSpec("researcher", "You look."), MemoryJournal()
    assignments = [Assignment(f"root/{n}", spec, f"{n}", "", "call", ()) for n in (1, 2, 3)]
    done = {assignment.path: anyio.Event() for assignment in assignments}
    told: list[str] = []

    async def work(assignment: Assignment, _: Control) -> Report:
        if assignment.number < 3:
            await done[f"root/{assignment.number + 1}"].wait()
        done[assignment.path].set()
        return Report(agent=assignment.path, outcome="completed")

    scheduler = Scheduler(work, journal, Limits(), Control("root"))
    with anyio.fail_after(5):
        reports = await scheduler.run(assignments, lambda one, _: told.append(one.path))
    assert [report.agent for report in reports] == ["root/1", "root/2", "root/3"]
    assert told == ["root/3", "root/2", "root/1"]

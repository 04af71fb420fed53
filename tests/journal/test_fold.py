"""What is known of a run is a fold over its events: live, or read back, it is the same."""

from pathlib import Path

import anyio
import pytest

import openswarm
from openswarm import Say, ScriptedModel
from openswarm.core.columns import parse_columns
from openswarm.core.events import (
    Admitted,
    Answered,
    AnyEvent,
    Cancelled,
    CapacityChanged,
    ConflictFound,
    Content,
    ContextCompacted,
    ContractDeclared,
    Failed,
    LimitHit,
    ModelReplied,
    ReportReceived,
    Requeued,
    Resumed,
    RowsMerged,
    RunStarted,
    TaskAssigned,
    Tick,
    ToolCalled,
    ToolReturned,
)
from openswarm.core.messages import ToolCall, Usage
from openswarm.core.result import Failure
from openswarm.core.table import Cell, Row
from openswarm.core.task import Task
from openswarm.journal.fold import AgentView, RunView, fold
from openswarm.journal.folder import FolderJournal
from openswarm.journal.journal import MemoryJournal

CONTRACT = parse_columns("country; capital")
SUB = "root/1"
ASSIGNED = TaskAssigned(
    agent=SUB, name="researcher", item="Chile", stage=1, system=Content(), brief=Content()
)
BEGUN = TaskAssigned(system=Content(text="s"), brief=Content(text="b"))


def view_of(*events: AnyEvent) -> RunView:
    """The fold over these events, stamped one second apart."""
    ticks = iter(range(1, 1000))
    journal = MemoryJournal("run-1", clock=lambda: float(next(ticks)))
    for event in events:
        journal.append(event)
    return fold(journal.events())


def sub(*events: AnyEvent) -> AgentView:
    """The one sub-agent after these events."""
    return view_of(ASSIGNED, *events).agents[SUB]


def row(country: str, capital: str) -> Row:
    return Row(cells={"country": Cell(value=country), "capital": Cell(value=capital)})


def test_a_run_begins_with_its_task() -> None:
    task = Task(text="go", contract=CONTRACT)
    view = view_of(
        RunStarted(task=task, model="m", subagent_model="s", openswarm="0", tools=("t",))
    )
    assert (view.run_id, view.task, view.model, view.tools) == ("run-1", task, "m", ("t",))
    assert view.contract == CONTRACT
    assert (view.outcome, view.started_at, view.seq) == (None, 1.0, 1)


def test_a_sub_agent_is_queued_then_runs_then_is_suspended_and_runs_again() -> None:
    admitted, waits = Admitted(agent=SUB), Requeued(agent=SUB, reason="throttled")
    assert (sub().state, sub().item, sub().stage) == ("queued", "Chile", 1)
    assert sub(admitted).state == "running"
    assert (sub(admitted, waits).state, sub(admitted, waits).why) == ("suspended", "throttled")
    assert (sub(admitted, waits, admitted).state, sub(admitted, waits, admitted).why) == (
        "running",
        "",
    )
    assert sub(admitted, waits, admitted).started_at == 2.0


@pytest.mark.parametrize(
    "stop",
    [
        LimitHit(agent=SUB, limit="stop", message="m"),
        Cancelled(agent=SUB, verb="cancel", by="ana"),
    ],
)
def test_a_sub_agent_that_was_told_to_stop_is_stopping_until_its_report(stop: AnyEvent) -> None:
    assert sub(Admitted(agent=SUB), stop).state == "stopping"
    done = sub(stop, ReportReceived(agent=SUB, outcome="partial", why="m"))
    assert (done.state, done.outcome, done.why, done.ended_at) == ("done", "partial", "m", 3.0)


def test_replies_and_summaries_add_up_to_steps_tokens_and_dollars() -> None:
    reply = ModelReplied(agent=SUB, model="m", usage=Usage(input_tokens=10, output_tokens=1))
    summary = ContextCompacted(
        agent=SUB,
        strategy="summarise",
        messages_before=9,
        messages_after=3,
        conversation=Content(),
        usage=Usage(input_tokens=5, output_tokens=2),
        cost_usd=0.5,
    )
    view = view_of(ASSIGNED, reply, summary, reply.model_copy(update={"cost_usd": 0.25}))
    assert view.agents[SUB].steps == 2
    assert view.usage == Usage(input_tokens=25, output_tokens=4)
    assert view.cost_usd == 0.75
    assert view_of(ASSIGNED, reply).cost_usd is None


def test_the_last_action_of_an_agent_is_what_it_does_now() -> None:
    call = ToolCall(id="1", name="search", arguments="{}")
    replied = ModelReplied(agent=SUB, model="m", calls=(call,))
    called = ToolCalled(agent=SUB, call_id="1", name="search", brief='{"q": "x"}')
    failed = ToolReturned(agent=SUB, call_id="1", name="search", ok=False, text=Content())
    assert sub(replied).last_action == "calls search"
    assert sub(replied, called).last_action == 'search {"q": "x"}'
    assert sub(replied, called, failed).last_action == "search failed"
    assert sub(replied, called).tool_calls == 1
    assert sub(ModelReplied(agent=SUB, model="m")).last_action == "answers"


def test_rows_stand_in_the_order_of_assignment_and_later_ones_replace_earlier() -> None:
    view = view_of(
        ContractDeclared(contract=CONTRACT, by="orchestrator"),
        RowsMerged(rows=(row("Peru", "?"),), places=((2, 0),)),
        RowsMerged(rows=(row("Chile", "Santiago"),), places=((1, 0),)),
        RowsMerged(rows=(row("PERU", "Lima"),), places=((2, 0),)),
    )
    assert view.table is not None
    assert [r.values() for r in view.table.rows] == [
        {"country": "Chile", "capital": "Santiago"},
        {"country": "PERU", "capital": "Lima"},
    ]


def test_without_a_contract_there_is_no_table() -> None:
    assert view_of(ASSIGNED).table is None


def test_conflicts_failures_and_capacities_are_kept() -> None:
    conflict = ConflictFound(
        key=("chile",), column="capital", kept=Cell(value="a"), other=Cell(value="b"), rule="r"
    )
    failure = Failure(agent=SUB, boundary="tool", kind="k", message="m")
    view = view_of(
        conflict,
        Failed(boundary="model", kind="auth", message="no"),
        ReportReceived(agent=SUB, outcome="failed", failure=failure),
        CapacityChanged(resource="e", capacity=20, reason="r"),
        CapacityChanged(resource="e", capacity=21, reason="r"),
    )
    assert [c.column for c in view.conflicts] == ["capital"]
    assert [f.boundary for f in view.failures] == ["model", "tool"]
    assert view.capacity == {"e": 21}


def test_an_answer_ends_the_run() -> None:
    view = view_of(BEGUN, Answered(outcome="completed", text=Content(text="42")))
    assert (view.outcome, view.answer.text) == ("completed", "42")
    assert (view.agents["root"].state, view.agents["root"].outcome) == ("done", "completed")


def test_a_run_that_is_taken_up_again_is_not_over() -> None:
    answered = Answered(outcome="partial", why="limit", text=Content(text="half"))
    view = view_of(BEGUN, answered, Resumed())
    assert (view.outcome, view.why, view.answer) == (None, "", Content())
    root = view.agents["root"]
    assert (root.state, root.outcome, root.ended_at) == ("running", None, None)
    again = view_of(BEGUN, answered, Resumed(), Answered(outcome="completed", text=Content()))
    assert (again.outcome, again.agents["root"].state) == ("completed", "done")


def test_the_orchestrator_is_no_sub_agent() -> None:
    assert [view.path for view in view_of(BEGUN, ASSIGNED).sub_agents] == [SUB]


def scripted() -> ScriptedModel:
    """Two countries; the report about Peru does not fit at first."""
    items = {"agent": "researcher", "prompt_template": "About {{item}}", "items": ["Chile", "Peru"]}
    return ScriptedModel(
        {
            "orchestrator": [
                Say(calls=(("assign_batch", items),)),
                Say("Done.", reasoning="x" * 9000),
            ],
            "researcher": [
                Say(calls=(("report", {"capital": 7, "colour": "red"}),)),
                Say(calls=(("report", {"capital": {"value": "Lima"}}),)),
            ],
        }
    )


@pytest.mark.requirement("journal.fold", "journal.memory")
def test_the_view_of_a_live_run_equals_the_fold_of_its_journal(home: Path) -> None:
    live, kinds = RunView(), []

    def observe(event: AnyEvent | Tick) -> None:
        if not isinstance(event, Tick):
            live.apply(event)
            kinds.append(event.type)

    async def main() -> str:
        result = await openswarm.run(
            "Capitals", model=scripted(), mode="swarm", columns="country; capital", observer=observe
        )
        return result.folder

    folder = Path(anyio.run(main))
    journal = FolderJournal.reopen(folder)
    assert fold(journal.events()) == live
    journal.close()
    assert live.outcome is not None
    assert folder.parent == home / "runs"

    memory = MemoryJournal()

    async def in_memory() -> None:
        await openswarm.run(
            "Capitals", model=scripted(), mode="swarm", columns="country; capital", journal=memory
        )

    anyio.run(in_memory)
    # the same events; sub-agents that run at once may take turns in another way
    assert sorted(event.type for event in memory.events()) == sorted(kinds)


@pytest.mark.requirement("journal.ticks")
def test_ticks_are_seen_and_never_written() -> None:
    journal, seen = MemoryJournal(), []
    journal.observe(seen.append)
    journal.tick(Tick(agent="root", kind="text", text="hi"))
    assert [tick.text for tick in seen] == ["hi"]
    assert list(journal.events()) == []

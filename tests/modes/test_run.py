"""Running a task from Python: each mode does what it says, and what comes back is a fold."""

import gc
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

import openswarm
from openswarm.core.errors import Fault, ModelError, UserError
from openswarm.core.events import ModeChosen, ModelReplied, RunStarted, Tick
from openswarm.journal.fold import fold
from openswarm.journal.journal import MemoryJournal
from openswarm.llm.model import ModelInfo, OnDelta, Reply, Request, ignore
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.swarm.stages import fold_stages
from swarm_scripts import (
    COLUMNS,
    FULL,
    Swarm,
    assign,
    batch,
    brief,
    calls,
    create,
    hand_in,
    of,
    scripted,
    told,
    turn,
    written,
)

pytestmark = pytest.mark.anyio
ANSWER = Say("Done.")


def noting(say: Say, asked: list[Request]) -> ScriptedModel:
    """A model that says one thing to everybody and notes what it was asked."""

    def note(request: Request) -> Say:
        asked.append(request)
        return say

    return ScriptedModel({"*": note})


@openswarm.tool
def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


@pytest.mark.requirement("modes.four")
@pytest.mark.parametrize(("mode", "thinking"), [("instant", False), ("thinking", True)])
async def test_instant_and_thinking_are_one_reply_without_tools(mode: str, thinking: bool) -> None:
    asked: list[Request] = []
    model = noting(Say("Forty-two."), asked)
    result = await openswarm.run("What is it?", model=model, mode=mode, tools=[add])
    (request,) = asked
    assert request.tools == ()
    assert request.thinking is thinking
    assert request.agent == mode
    assert brief(request) == "What is it?"
    assert (result.answer, result.outcome, result.mode) == ("Forty-two.", "completed", mode)
    assert result.stats.total_steps == 1


@pytest.mark.requirement("modes.four")
async def test_agent_works_alone_with_the_tools_of_the_run() -> None:
    asked: list[tuple[list[str], bool | None]] = []

    def work(request: Request) -> Say:
        asked.append(([spec.name for spec in request.tools], request.thinking))
        if turn(request) == 0:
            return calls(("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4}))
        return Say(f"It is {'+'.join(told(request.history))}.")

    result = await openswarm.run(
        "Add.", model=ScriptedModel({"agent": work}), mode="agent", tools=[add]
    )
    assert result.answer == "It is 3+7."
    assert asked == [(["add"], None)] * 2
    assert result.stats.sub_agents == 0


@pytest.mark.requirement("modes.four")
async def test_agent_with_a_contract_hands_in_the_rows_itself() -> None:
    rows = [{"country": name, "capital": "Here", "population": 1} for name in ("Chile", "Peru")]
    model = ScriptedModel({"agent": [calls(("report", {"rows": rows}))]})
    result = await openswarm.run("Find them.", model=model, mode="agent", columns=COLUMNS)
    assert result.outcome == "completed"
    assert [row.values()["country"] for row in result.table.rows] == ["Chile", "Peru"]
    assert {cell.agent for row in result.table.rows for cell in row.cells.values()} == {"root"}
    assert result.answer == "The table has 2 rows."


async def test_an_agent_with_a_contract_that_answers_in_words_is_told_once_to_hand_in() -> None:
    rows = [{"country": "Chile", "capital": "Here", "population": 1}]
    model = ScriptedModel({"agent": [Say("It is Chile."), calls(("report", {"rows": rows}))]})
    result = await openswarm.run("Find it.", model=model, mode="agent", columns=COLUMNS)
    assert (result.outcome, len(result.table.rows)) == ("completed", 1)
    assert "Hand in what you found with the report tool" in model.requests["agent"][1][-1].text


async def test_an_agent_with_a_contract_hands_in_its_rows_at_its_limit_too() -> None:
    def work(request: Request) -> Say:
        if [spec.name for spec in request.tools] != ["report"]:
            return calls(("add", {"a": turn(request), "b": 1}))
        rows = [{"country": "Chile", "capital": "Here", "population": 1}]
        return calls(("report", {"rows": rows}))

    model = ScriptedModel({"agent": work})
    limits = openswarm.Limits(orchestrator_steps=2)
    result = await openswarm.run(
        "Find it.", model=model, mode="agent", columns=COLUMNS, tools=[add], limits=limits
    )
    assert (result.outcome, result.why) == ("partial", "limit of 2 steps")
    assert len(result.table.rows) == 1


@pytest.mark.parametrize("mode", ["instant", "agent", "swarm"])
async def test_a_table_without_a_row_is_not_completed(mode: str) -> None:
    model = ScriptedModel({"*": lambda _: Say("I know them all.")})
    result = await openswarm.run("Find them.", model=model, mode=mode, columns=COLUMNS)
    assert (result.outcome, result.why) == ("partial", "the table has no rows")
    assert (result.answer, result.table.rows) == ("I know them all.", ())


@pytest.mark.requirement("modes.four")
async def test_swarm_fans_out_and_answers_with_a_table() -> None:
    def work(request: Request) -> Say:
        return hand_in(capital=f"The one of {brief(request)[3:7]}", population=7)

    model = scripted([calls(batch(["Chile", "Peru"])), Say("Two of them.")], researcher=work)
    result = await openswarm.run("Find them.", model=model, mode="swarm", columns=COLUMNS)
    assert (result.outcome, result.answer) == ("completed", "Two of them.")
    assert [row.values()["capital"] for row in result.table.rows] == [
        "The one of Chil", "The one of Peru"
    ]  # fmt: skip
    stats = result.stats
    assert (stats.sub_agents, stats.stages, stats.critical_steps, stats.total_steps) == (2, 1, 3, 4)
    assert (stats.tokens.input_tokens, stats.tokens.output_tokens) == (400, 40)
    assert stats.cost_usd is None


async def test_sub_agents_may_have_a_model_of_their_own_even_of_the_same_name() -> None:
    lead = scripted([calls(batch(["Chile"])), ANSWER])
    others = ScriptedModel({"researcher": [Say(FULL)]})
    assert lead.spec == others.spec
    result = await openswarm.run("Find it.", model=lead, subagent_model=others, mode="swarm")
    assert result.outcome == "completed"
    assert len(others.requests["researcher"]) == 1


async def test_a_configuration_may_be_given_a_model_of_the_run() -> None:
    made = calls(create("strong", model="lead"), assign("Think.", agent="strong"))
    lead = ScriptedModel({"orchestrator": [made, ANSWER], "strong": [Say(FULL)]}, spec="lead")
    others = ScriptedModel({}, spec="others")
    await openswarm.run("Find it.", model=lead, subagent_model=others, mode="swarm")
    assert len(lead.requests["strong"]) == 1
    assert not others.requests


@pytest.mark.requirement("journal.fold")
async def test_an_observer_sees_every_event_in_order_and_the_result_is_their_fold() -> None:
    seen: list = []
    model = scripted(
        [calls(batch(["Chile", "Peru"])), ANSWER],
        researcher=[hand_in(capital="Here", population="1")],
    )
    result = await openswarm.run(
        "Find them.", model=model, mode="swarm", columns=COLUMNS, observer=seen.append
    )
    events = [event for event in seen if not isinstance(event, Tick)]
    assert events == await written(result.folder)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert {event.run for event in events} == {result.run_id}
    assert any(isinstance(entry, Tick) and entry.kind == "text" for entry in seen)
    view, stages = fold(events), fold_stages(events)
    assert result.table == view.table
    assert (result.outcome, result.mode) == (view.outcome, view.mode)
    assert result.stats.tokens == view.usage
    assert result.stats.critical_steps == stages.critical_steps


@pytest.mark.requirement("journal.memory")
async def test_a_run_in_memory_leaves_nothing_on_disk(home: Path) -> None:
    journal = MemoryJournal()
    model = ScriptedModel({"instant": [ANSWER]})
    result = await openswarm.run("Hello?", model=model, mode="instant", journal=journal)
    assert result.folder == ""
    assert not await anyio.Path(home).exists()
    assert of(journal.events(), RunStarted)[0].task.text == "Hello?"


@pytest.mark.requirement("modes.partial")
async def test_a_partial_run_is_returned_and_not_raised() -> None:
    model = scripted(
        [calls(batch(["Chile"])), Say("Nothing on Chile.")], researcher=[Say(""), Say("")]
    )
    result = await Swarm(model, columns=COLUMNS).run()
    assert (result.outcome, result.why) == ("partial", "1 row is missing: Chile")
    assert result.answer == "Nothing on Chile."


async def test_an_orchestrator_that_says_nothing_is_an_empty_outcome_with_an_answer_text() -> None:
    result = await Swarm(scripted([Say("")])).run()
    assert (result.outcome, result.why) == ("empty", "the model answered nothing")
    assert result.answer.startswith("No answer was written (the model answered nothing).")


@pytest.mark.requirement("bad.key")
@pytest.mark.parametrize("mode", ["instant", "agent", "swarm"])
async def test_a_model_that_cannot_be_had_is_raised_as_the_model_error(mode: str) -> None:
    model = ScriptedModel({"*": lambda _: Say(error=ModelError(Fault.AUTH, "the key is wrong"))})
    seen: list = []
    with pytest.raises(ModelError, match="the key is wrong"):
        await openswarm.run("Hello?", model=model, mode=mode, observer=seen.append)
    assert seen[-1].type == "failed"
    assert (seen[-1].boundary, seen[-1].kind) == ("model", "auth")


async def test_rows_that_are_there_are_kept_when_the_orchestrators_model_goes_away() -> None:
    gone = Say(error=ModelError(Fault.QUOTA, "no money left"))
    model = scripted(
        [calls(batch(["Chile"])), gone], researcher=[hand_in(capital="Santiago", population="1")]
    )
    result = await Swarm(model, columns=COLUMNS).run()
    assert (result.outcome, result.why) == (
        "partial", "the orchestrator's model failed: no money left"
    )  # fmt: skip
    assert "The table has 1 row." in result.answer
    assert [(f.agent, f.kind) for f in result.failures] == [("root", "quota")]


async def test_two_runs_at_once_in_one_process_do_not_disturb_each_other() -> None:
    before = gc.get_threshold()
    first_is_done = anyio.Event()
    results: dict[str, openswarm.RunResult] = {}

    async def one(name: str) -> None:
        async def wait(_: Request) -> None:
            if name == "second":
                await first_is_done.wait()

        model = scripted(
            [calls(batch([f"{name} {n}" for n in range(5)])), Say(name)],
            wait=wait,
            researcher=lambda request: hand_in(capital=brief(request), population=1),
        )
        results[name] = await openswarm.run(
            f"The {name}.", model=model, mode="swarm", columns=COLUMNS
        )
        first_is_done.set()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one, "first")
            tasks.start_soon(one, "second")
    assert gc.get_threshold() == before
    for name, result in results.items():
        assert (result.answer, result.outcome) == (name, "completed")
        capitals = [row.values()["capital"] for row in result.table.rows]
        assert [name in capital for capital in capitals] == [True] * 5
        assert len(of(await written(result.folder), ModelReplied)) == 7
    assert results["first"].run_id != results["second"].run_id


async def test_a_run_that_is_cancelled_from_outside_can_be_resumed(home: Path) -> None:
    asked = anyio.Event()

    async def hang(_: Request) -> None:
        asked.set()
        await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:

        async def work() -> None:
            model = scripted([ANSWER], wait=hang)
            await openswarm.run("Hello?", model=model, mode="swarm")

        tasks.start_soon(work)
        await asked.wait()
        tasks.cancel_scope.cancel()
    (folder,) = (home / "runs").iterdir()
    result = await openswarm.resume(folder.name, model=scripted([ANSWER]))
    assert (result.outcome, result.answer) == ("completed", "Done.")


@pytest.mark.parametrize("name", ["report", "assign_task", "declare_table"])
async def test_a_tool_cannot_take_the_name_of_one_of_ours(name: str) -> None:
    def mine() -> str:
        """Does something else."""
        return ""

    mine.__name__ = name
    with pytest.raises(UserError, match=f"two tools are called '{name}'.*rename yours"):
        await openswarm.run("Hello?", model=scripted([ANSWER]), tools=[mine])


async def test_a_tool_may_be_called_search_where_there_is_no_corpus(tmp_path: Path) -> None:
    def search(query: str) -> str:
        """Searches."""
        return f"found {query}"

    model = ScriptedModel({"agent": [calls(("search", {"query": "it"})), ANSWER]})
    result = await openswarm.run("Find it.", model=model, mode="agent", tools=[search])
    assert result.answer == "Done."
    (tmp_path / "notes.txt").write_text("It is here.")
    with pytest.raises(UserError, match="two tools are called 'search'"):
        await openswarm.run("Find it.", model=model, tools=[search], over=[tmp_path])


async def test_what_the_run_was_given_is_in_its_first_two_events() -> None:
    model = ScriptedModel({"agent": [ANSWER]}, spec="scripted:mine")
    result = await openswarm.run("Add.", model=model, tools=[add], limits=openswarm.Limits(steps=9))
    started, chosen = (await written(result.folder))[:2]
    assert isinstance(started, RunStarted)
    assert (started.model, started.subagent_model) == ("scripted:mine", "scripted:mine")
    assert (started.tools, started.openswarm) == (("add",), openswarm.__version__)
    assert started.task.limits.steps == 9
    assert isinstance(chosen, ModeChosen)


@pytest.mark.requirement("swarm.missing")
async def test_an_item_without_a_row_is_missing_also_when_two_columns_are_the_key() -> None:
    def work(request: Request) -> Say:
        if "Peru" in brief(request):
            return Say(error=ModelError(Fault.REFUSED, "no"))
        return calls(("report", {"rows": [{"country": "Chile", "year": "2025", "people": "19"}]}))

    model = ScriptedModel(
        {"orchestrator": [calls(batch(["Chile", "Peru"])), ANSWER], "researcher": work}
    )
    result = await openswarm.run(
        "How many people live there?",
        model=model,
        mode="swarm",
        columns="country; year; people",
        key=["country", "year"],
        journal=MemoryJournal(),
    )
    assert (result.outcome, result.why) == ("partial", "1 row is missing: Peru")


@pytest.mark.requirement("swarm.queue")
async def test_sub_agents_wait_for_their_place_where_their_model_does_few_at_once() -> None:
    working, most = 0, 0

    async def slow(request: Request) -> None:
        nonlocal working, most
        working += 1
        most = max(most, working)
        await anyio.lowlevel.checkpoint()
        working -= 1

    class Two(ScriptedModel):
        async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
            if request.agent == "researcher":
                await slow(request)
            return await super().reply(request, on_delta)

    model = Two(
        {"orchestrator": [calls(batch("abcdef")), ANSWER], "researcher": [Say(FULL)]},
        info=ModelInfo(parallel=2),
    )
    journal = MemoryJournal()
    result = await openswarm.run("Six.", model=model, mode="swarm", journal=journal)
    assert (result.stats.sub_agents, result.stats.max_in_flight) == (6, 2)
    assert most <= 2


@pytest.mark.requirement("modes.effort")
@pytest.mark.parametrize(
    ("mode", "effort"), [("thinking", "max"), ("agent", "max"), ("instant", "")]
)
async def test_the_root_agent_reasons_as_much_as_is_asked(mode: str, effort: str) -> None:
    asked: list[Request] = []
    await openswarm.run("Why?", model=noting(ANSWER, asked), mode=mode, effort="max")
    assert [request.effort for request in asked] == [effort]

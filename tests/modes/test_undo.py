"""An edit is begun as a whole or not at all, says what it did not come to, and can be taken back;
what it changed can be seen."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import openswarm
from openswarm import Column, Limits, RunResult, ScriptedModel, operations
from openswarm.core.errors import (
    Fault,
    JournalError,
    ModelError,
    OpenswarmError,
    SettingsError,
    UserError,
)
from openswarm.core.events import GenerationStarted, Undone
from openswarm.journal.lines import EVENTS_FILE
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.swarm.diff import TableDiff, diff_of
from swarm_scripts import COLUMNS, batch, brief, calls, hand_in, of, written

pytestmark = pytest.mark.anyio
Facts = Mapping[str, Mapping[str, str] | None]

FACTS: Facts = {
    "Chile": {"capital": "Santiago", "population": "19", "river": "Loa"},
    "Peru": {"capital": "Lima", "population": "34", "river": "Ucayali"},
    "Laos": {"capital": "Vientiane", "population": "7", "river": "Mekong"},
}
ANSWER = Say("Santiago is the capital of Chile.")
RIVER = operations.AddColumn(column=Column(name="river", definition="its longest one"))


def row_in(text: str) -> str:
    """The row that a brief is about."""
    found = re.search(r"^Your row: country = (\w+)", text, re.MULTILINE)
    assert found, text
    return found[1]


def row_of(request: Request) -> str:
    """The row that a sub-agent is to work on."""
    return row_in(brief(request))


def asked_of(request: Request) -> list[str]:
    """The columns that a sub-agent is asked for."""
    (report,) = [spec for spec in request.tools if spec.name == "report"]
    return list(json.loads(report.parameters)["properties"])


def knowing(
    facts: Facts = FACTS, rows: Sequence[str] = ("Chile", "Peru"), **more: Any
) -> ScriptedModel:
    """A model that assigns these rows, and whose sub-agents know some facts; a row without any
    makes them fail."""

    def work(request: Request) -> Say:
        known = facts.get(row_of(request))
        if known is None:
            return Say(error=ModelError(Fault.REFUSED, "not about that one"))
        return hand_in(**{name: known.get(name, "") for name in asked_of(request)})

    info = {"info": more.pop("info")} if "info" in more else {}
    scripts = {"orchestrator": [calls(batch(rows)), ANSWER], "researcher": work}
    return ScriptedModel(scripts | more, **info)


async def finished(model: ScriptedModel | None = None, **options: Any) -> RunResult:
    """A run of two countries that is over, on disk."""
    given = {"mode": "swarm", "columns": COLUMNS} | options
    return await openswarm.run("Find them.", model=model or knowing(), **given)


async def edited(
    run: RunResult, *wished: operations.Operation, facts: Facts = FACTS, **options: Any
) -> tuple[RunResult, dict[str, int]]:
    """What an edit comes to, and how often each agent was asked for it."""
    model = options.pop("model", None) or knowing(facts)
    result = await openswarm.edit(run.run_id, wished, model=model, **options)
    return result, asks(model)


def asks(model: ScriptedModel) -> dict[str, int]:
    """How often each agent was asked."""
    return {name: len(requests) for name, requests in model.requests.items()}


def values(result: RunResult) -> list[list[str]]:
    """The table without its evidence."""
    return [list(row.values().values()) for row in result.table.rows]


def whole(result: RunResult) -> dict[str, Any]:
    """All that a run gives back but its figures."""
    return result.model_dump(exclude={"stats"})


@pytest.mark.requirement("table.undo")
@pytest.mark.parametrize(
    "wished",
    [
        [RIVER, operations.Reword()],
        [operations.JoinRows(rows=("Peru", "Chile"), into="Andes")],
        [
            operations.RenameColumn(column="country", to="state"),
            operations.DropColumn(column="capital"),
            operations.RemoveRows(rows=("Peru",)),
            operations.AddRows(rows=("Bolivia",)),
            operations.RetryFailed(),
        ],
        [operations.SetCell(row="Chile", column="country", value="Chili")],
    ],
)
async def test_undo_brings_table_answer_and_outcome_back_exactly(
    wished: list[operations.Operation],
) -> None:
    known = {name: FACTS[name] for name in ("Chile", "Peru")}
    run = await finished(knowing(known, ["Chile", "Peru", "Laos"]))
    assert (run.outcome, len(run.failures), len(run.citations)) == ("partial", 1, 1)
    changed, _ = await edited(run, *wished, model=knowing({}, writer=[Say("Anew.")]))
    assert whole(changed) != whole(run)
    undone = await openswarm.undo(run.run_id)
    assert whole(undone) == whole(run)
    assert undone.stats.total_steps == 0
    (event,) = of(await written(run.folder), Undone)
    assert (event.generation, event.by) == (1, "user")


@pytest.mark.requirement("table.undo", "table.fold")
async def test_each_undo_takes_one_edit_back_and_numbers_go_on() -> None:
    run = await finished()
    first, _ = await edited(run, RIVER)
    second, _ = await edited(run, operations.DropColumn(column="capital"))
    assert [first.generation, second.generation] == [1, 2]
    assert whole(await openswarm.undo(run.run_id)) == whole(first)
    assert whole(await openswarm.undo(run.run_id)) == whole(run)
    with pytest.raises(UserError, match=f"run {run.run_id} has no edit to undo"):
        await openswarm.undo(run.run_id)
    third, asked = await edited(run, operations.AddRows(rows=("Laos",)))
    assert (third.generation, asked) == (3, {"researcher": 1})
    assert values(third) == [*values(run), ["Laos", "Vientiane", "7"]]
    assert whole(await openswarm.undo(run.run_id)) == whole(run)


@pytest.mark.requirement("table.undo")
async def test_an_edit_that_was_undone_leaves_nothing_to_be_worked_on_again() -> None:
    run = await finished()
    await edited(run, operations.AddRows(rows=("Bolivia",)))
    await openswarm.undo(run.run_id)
    with pytest.raises(UserError, match="no sub-agent of this run failed"):
        await edited(run, operations.RetryFailed())
    result, _ = await edited(run, operations.DropColumn(column="capital"))
    assert (result.outcome, result.failures) == ("completed", ())


@pytest.mark.requirement("table.undo")
async def test_going_on_with_a_run_that_is_over_gives_its_table_as_edited_or_undone() -> None:
    run = await finished()
    changed, _ = await edited(run, RIVER)
    assert whole(await openswarm.resume(run.run_id)) == whole(changed)
    await openswarm.undo(run.run_id)
    events = await written(run.folder)
    assert whole(await openswarm.resume(run.run_id)) == whole(run)
    assert await written(run.folder) == events


def changes(diff: TableDiff) -> list[tuple[str, str, str, str]]:
    """What each cell was and is."""
    return [(c.row, c.column, c.before.value, c.after.value) for c in diff.cells]


@pytest.mark.requirement("table.diff")
@pytest.mark.parametrize(
    ("wished", "differs", "cells"),
    [
        (
            RIVER,
            {"columns_added": ("river",)},
            [("Chile", "river", "", "Loa"), ("Peru", "river", "", "Ucayali")],
        ),
        (
            operations.RenameColumn(column="capital", to="seat"),
            {"columns_renamed": (("capital", "seat"),)},
            [],
        ),
        (
            operations.SetCell(row="Peru", column="capital", value="Cusco"),
            {},
            [("Peru", "capital", "Lima", "Cusco")],
        ),
        (operations.DropColumn(column="capital"), {"columns_dropped": ("capital",)}, []),
        (operations.AddRows(rows=("Laos",)), {"rows_added": ("Laos",)}, []),
        (operations.RemoveRows(rows=("Peru",)), {"rows_removed": ("Peru",)}, []),
        (
            operations.SplitRow(row="Peru", into=("Laos", "Bolivia")),
            {"rows_added": ("Laos", "Bolivia"), "rows_removed": ("Peru",)},
            [],
        ),
        (operations.Reword(), {"answer_changed": True}, []),
    ],
)
async def test_what_an_edit_changed_is_told_and_stays_told_when_it_was_undone(
    wished: operations.Operation, differs: dict[str, Any], cells: list[tuple[str, str, str, str]]
) -> None:
    run = await finished()
    assert diff_of(await written(run.folder)) is None
    await edited(run, wished, model=knowing(writer=[Say("Anew.")]))
    diff = diff_of(await written(run.folder))
    same = {"columns_added": (), "columns_dropped": (), "columns_renamed": ()}
    same |= {"rows_added": (), "rows_removed": (), "answer_changed": False}
    facts = {"generation": 1, "operations": (wished,), "wish": ""} | same | differs
    assert {name: value for name, value in diff._asdict().items() if name != "cells"} == facts
    assert (changes(diff), diff.is_empty) == (cells, False)
    await openswarm.undo(run.run_id)
    events = await written(run.folder)
    assert (diff_of(events), diff_of(events, 1)) == (None, diff)


@pytest.mark.requirement("table.diff")
async def test_a_new_column_with_the_old_name_of_another_one_is_new() -> None:
    run = await finished()
    rename = operations.RenameColumn(column="capital", to="seat")
    facts = {"Chile": {"capital": "peso"}, "Peru": {"capital": "sol"}}
    capital = operations.AddColumn(column=Column(name="capital", definition="in money"))
    await edited(run, rename, capital, facts=facts)
    diff = diff_of(await written(run.folder))
    assert (diff.columns_renamed, diff.columns_added) == ((("capital", "seat"),), ("capital",))
    assert changes(diff) == [("Chile", "capital", "", "peso"), ("Peru", "capital", "", "sol")]


@pytest.mark.requirement("table.diff")
async def test_each_generation_is_compared_with_the_table_that_it_began_with() -> None:
    run = await finished()
    await edited(run, RIVER)
    await edited(run, operations.RenameColumn(column="river", to="stream"))
    await openswarm.undo(run.run_id)
    await edited(run, operations.SetCell(row="Chile", column="river", value="Maipo"))
    events = await written(run.folder)
    first, second, third = (diff_of(events, number) for number in (1, 2, 3))
    assert (first.columns_added, second.columns_renamed) == (("river",), (("river", "stream"),))
    assert changes(third) == [("Chile", "river", "Loa", "Maipo")]
    assert (diff_of(events), diff_of(events, 4)) == (third, None)


@pytest.mark.requirement("table.refusals")
@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (operations.RetryRow(row="Chili"), "there is no row 'Chili'; there are Chile"),
        (operations.RetryCell(row="Peru", column="area"), "there is no column 'area'; the columns"),
        (operations.RetryCell(row="Peru", column="country"), "country is part of the key"),
        (operations.RetryRow(row="Chile"), "every cell of Chile is locked"),
        (operations.RetryFailed(), "no sub-agent of this run failed"),
        (operations.Complete(), "nothing is missing"),
        (operations.AddColumn(column=Column(name="Capital")), "column named twice: capital"),
        (operations.AddColumn(column=Column(name="a"), after="b"), "there is no column 'b'"),
        (operations.DropColumn(column="country"), "country is part of the key"),
        (operations.DropColumn(column="capital"), "capital of Chile is locked; unlock it first"),
        (operations.RenameColumn(column="capital", to="country"), "named twice: country"),
        (operations.AddRows(rows=("Laos", "peru")), "there is a row peru already"),
        (operations.RemoveRows(rows=("Peru", "Laos")), "there is no row 'Laos'"),
        (operations.RemoveRows(rows=("Chile",)), "capital of Chile is locked; unlock it first"),
        (operations.SetCell(row="Peru", column="people", value="many"), "is not a number"),
        (operations.SetCell(row="Peru", column="country", value="chile"), "join the two instead"),
        (operations.SetCell(row="Peru", column="country", value=""), "cannot be empty"),
        (operations.Unlock(row="Peru"), "nothing in Peru is locked"),
        (operations.SplitRow(row="Chile", into=("N", "S")), "is locked; unlock it first"),
        (operations.SplitRow(row="Peru", into=("N", "n.")), "there is a row n. already"),
        (operations.JoinRows(rows=("Peru", "PERU")), "joining takes two different rows"),
    ],
)
async def test_one_impossible_operation_leaves_all_of_an_edit_undone(
    operation: operations.Operation, said: str
) -> None:
    run = await finished()
    lock = [
        operations.SetCell(row="Chile", column="capital", value="Santiago"),
        operations.SetCell(row="Chile", column="population", value="19"),
    ]
    await edited(run, *lock)
    before = await written(run.folder)
    with pytest.raises(OpenswarmError, match=re.escape(said)):
        await edited(run, operations.RenameColumn(column="population", to="people"), operation)
    assert await written(run.folder) == before


@pytest.mark.requirement("table.refusals", "table.locked")
async def test_rows_that_are_locked_to_different_values_are_not_joined() -> None:
    run = await finished()
    rows = ("Chile", "Peru")
    lock = [operations.SetCell(row=name, column="capital", value=name) for name in rows]
    await edited(run, *lock)
    with pytest.raises(UserError, match=r"capital is locked to different values .* unlock one"):
        await edited(run, operations.JoinRows(rows=rows))


@pytest.mark.requirement("table.refusals")
async def test_what_is_no_finished_run_with_a_table_is_refused_with_what_to_do() -> None:
    with pytest.raises(UserError, match="no operation given"):
        await edited(await finished())
    model = ScriptedModel({"instant": [Say("Hi.")]})
    bare = await openswarm.run("Hello?", model=model, mode="instant")
    with pytest.raises(UserError, match="the run has no table"):
        await edited(bare, RIVER)
    path = Path(bare.folder) / EVENTS_FILE
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(UserError, match="is not over; go on with it first: openswarm resume "):
        await edited(bare, RIVER)
    with pytest.raises(JournalError, match="is not a run"):
        await openswarm.edit("20260101-000000-abcdef", RIVER)


@pytest.mark.requirement("table.refusals")
async def test_more_rows_than_sub_agents_are_refused_with_the_option_that_allows_them() -> None:
    run = await finished(limits=Limits(max_subagents=2))
    with pytest.raises(UserError, match=r"2 rows .* and 1 sub-agents .*; add --max-subagents 2"):
        await edited(run, RIVER, limits=Limits(max_subagents=1))
    assert not of(await written(run.folder), GenerationStarted)
    assert (await edited(run, RIVER))[0].outcome == "completed"


def read_page(name: str) -> str:
    """Reads a page."""
    return name


@pytest.mark.requirement("table.refusals")
async def test_tools_in_python_that_are_missing_are_named_and_nothing_was_done() -> None:
    run = await finished(tools=[openswarm.tool(read_page)])
    said = r"tools written in Python: read_page; .* await openswarm\.edit\("
    with pytest.raises(SettingsError, match=said):
        await edited(run, RIVER)
    assert not of(await written(run.folder), GenerationStarted)
    await openswarm.edit(run.run_id, operations.DropColumn(column="capital"))


@pytest.mark.requirement("table.generations")
async def test_a_sub_agent_that_fails_makes_an_edit_partial_and_the_rest_is_whole() -> None:
    run = await finished()
    result, asked = await edited(run, RIVER, facts={"Chile": FACTS["Chile"]})
    assert asked == {"researcher": 2}
    assert values(result) == [["Chile", "Santiago", "19", "Loa"], ["Peru", "Lima", "34", ""]]
    assert [(failure.agent, failure.kind) for failure in result.failures] == [("root/4", "refused")]
    assert result.outcome == "partial"
    assert "Peru" in result.why


@pytest.mark.requirement("table.generations")
async def test_the_limits_of_the_run_hold_for_each_edit_anew() -> None:
    run = await finished(limits=Limits(steps=5))
    assert run.stats.total_steps == 4
    result, _ = await edited(run, RIVER)
    assert (result.outcome, result.stats.total_steps) == ("completed", 2)
    again = [operations.RetryRow(row=name) for name in ("Chile", "Peru")]
    result, _ = await edited(run, *again, limits=Limits(steps=1))
    assert (result.outcome, result.why, result.stats.total_steps) == ("partial", "budget: steps", 1)
    result, _ = await edited(run, *again)
    assert (result.outcome, result.why, result.stats.total_steps) == ("completed", "", 2)


@pytest.mark.requirement("table.reword")
async def test_an_answer_that_cannot_be_written_anew_stays_and_the_edit_is_partial() -> None:
    run = await finished()
    gone = Say(error=ModelError(Fault.QUOTA, "no money left"))
    result, _ = await edited(run, operations.Reword(), model=knowing(writer=[gone]))
    assert (result.answer, result.table) == (run.answer, run.table)
    assert [failure.kind for failure in result.failures] == ["quota"]
    assert result.outcome == "partial"


@pytest.mark.requirement("table.rows-by-hand")
async def test_a_table_from_which_every_row_was_removed_is_not_completed() -> None:
    run = await finished()
    result, _ = await edited(run, operations.RemoveRows(rows=("Chile", "Peru")))
    assert (result.outcome, result.why) == ("partial", "the table has no rows")


@pytest.mark.requirement("table.retry")
async def test_rows_that_are_gone_are_not_worked_on_again_with_those_that_failed() -> None:
    run = await finished(knowing({"Chile": FACTS["Chile"], "Peru": {}}))
    await edited(run, operations.RemoveRows(rows=("Peru",)))
    with pytest.raises(UserError, match="no sub-agent of this run failed"):
        await edited(run, operations.RetryFailed())

"""An edit, or a run that began with a table, that is cut off at any moment comes to the same table
when it is resumed, and pays nothing twice."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from recorded import (
    Recorded,
    arguments_in,
    asked_of,
    calls_in,
    lines_of,
    record,
    replies_in,
)
from test_undo import asked_of as columns_of
from test_undo import finished, knowing, row_of, values, whole

import openswarm
from openswarm import Column, RunResult, ScriptedModel, operations
from openswarm.core.errors import Fault, ModelError, UserError
from openswarm.core.events import AnyEvent, DocumentsOpened, GenerationStarted, Undone
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from swarm_scripts import calls, hand_in, of, turn

pytestmark = pytest.mark.anyio
ROWS = ("Chile", "Peru", "Chad")
WISHED = (
    operations.AddColumn(column=Column(name="length", type="number", unit="km")),
    operations.RenameColumn(column="capital", to="seat"),
    operations.SetCell(row="Chile", column="population", value="20"),
    operations.AddRows(rows=("Laos",)),
    operations.Reword(instruction="Say it in a sentence."),
)


def tools(done: list[str]) -> Sequence[Any]:
    """A tool that reads, and one with an effect: it must not run twice for one call."""

    @openswarm.tool(read_only=True)
    async def read(name: str) -> str:
        """Reads what is known of a country."""
        return f"# {name}\n\nThe capital: {name} City.\n\nIt has a length of 1,234 km, {name} says."

    @openswarm.tool
    async def send(at: str) -> str:
        """Sends something."""
        done.append(at)
        return "sent"

    return [read, send]


def country(request: Request) -> Say:
    """Reads and sends where nothing was opened for it. Of the new column one says nonsense first,
    and one comes to nothing."""
    name, asked, step = row_of(request), columns_of(request), turn(request)
    if len(request.history) == 2:
        return calls(("read", {"name": name}), ("send", {"at": f"{name} {len(asked)}"}))
    if "length" in asked and name == "Peru":
        return Say(error=ModelError(Fault.REFUSED, "not about Peru"))
    wrong = name == "Chad" and step == 0 and "length" in asked
    quote = "" if wrong else f"length of 1,234 km, {name} says"
    found = {
        "length": {"value": "very long" if wrong else "1,234", "source": "read", "quote": quote},
        "capital": f"{name} City",
        "seat": f"{name} City",
        "population": "",
    }
    return hand_in(**{column: found[column] for column in asked})


def scripts() -> ScriptedModel:
    """A run of three countries, and an edit of it."""
    writer = [Say("The seat of Chad is Chad City [[Chad | seat]].")]
    return knowing(rows=ROWS, researcher=country, writer=writer)


async def recorded_edit(
    wished: Sequence[operations.Operation],
) -> tuple[RunResult, Recorded, int]:
    """A run, an edit of it to its end, and how many events there were when the edit had begun."""
    run = await finished(scripts(), tools=tools([]))
    first, model = len(lines_of(run)) + 1, scripts()
    result = await openswarm.edit(run.run_id, wished, model=model, tools=tools([]))
    edit = Recorded(result, scripts, tools, lines_of(result), asked_of(model))
    assert isinstance(edit.events()[first - 1], GenerationStarted)
    assert len(edit.lines) > first + len(wished)
    return run, edit, first


def figures(result: RunResult) -> dict[str, Any]:
    """What an edit took, but for the clock."""
    return result.stats.model_dump(exclude={"wall_s", "max_in_flight"})


def where(events: Sequence[AnyEvent]) -> str:
    """The place of a cut."""
    return f"cut after event {len(events)}: {events[-1]}"


@pytest.mark.requirement("table.resume")
async def test_an_edit_cut_at_any_event_comes_to_the_same_end_and_pays_nothing_twice() -> None:
    _, edit, first = await recorded_edit(WISHED)
    result = edit.result
    assert [row[:2] + row[3:] for row in values(result)] == [
        ["Chile", "Chile City", "1234"],
        ["Peru", "Peru City", ""],
        ["Chad", "Chad City", "1234"],
        ["Laos", "Laos City", "1234"],
    ]
    assert {row.cells["length"].state for row in result.table.rows} == {"filled", "empty"}
    assert result.answer == "The seat of Chad is Chad City [c1]."
    arguments = arguments_in(edit.events())
    paid: set[int] = set()
    for data in edit.cuts(first, torn=True):
        events = edit.cut(data)
        replies, reported = replies_in(events)
        paid.add(sum(min(times, replies[name]) for name, times in edit.asked.items()))
        resumed = await edit.resumed()
        assert whole(resumed.result) == whole(result), where(events)
        assert figures(resumed.result) == figures(result), where(events)
        for name, times in edit.asked.items():
            left = 0 if name in reported else times - replies[name]
            assert resumed.asked[name] == left, f"{where(events)}; asked: {name}"
        assert not calls_in(events, arguments) & set(resumed.done), where(events)
        assert len(of(edit.events(), GenerationStarted)) == 1
    assert paid == set(range(7))


@pytest.mark.requirement("table.resume", "table.add-column")
async def test_pages_that_were_read_before_are_shown_wherever_the_edit_was_cut() -> None:
    _, edit, first = await recorded_edit(WISHED[:1])
    shown = {event.agent for event in of(edit.events(), DocumentsOpened)}
    assert shown == {"root/4", "root/5", "root/6"}
    for data in edit.cuts(first):
        events = edit.cut(data)
        await edit.resumed()
        assert {e.agent for e in of(edit.events(), DocumentsOpened)} == shown, where(events)


@pytest.mark.requirement("table.resume", "table.undo")
async def test_an_edit_that_was_interrupted_anywhere_can_be_undone_and_not_edited() -> None:
    run, edit, first = await recorded_edit(WISHED)
    for data in edit.cuts(first):
        events = edit.cut(data)
        with pytest.raises(UserError, match=f"is not over; go on .* openswarm resume {run.run_id}"):
            await openswarm.edit(run.run_id, WISHED[1])
        assert whole(await openswarm.undo(run.run_id)) == whole(run), where(events)
        assert len(of(edit.events(), Undone)) == 1
        changed = await openswarm.edit(run.run_id, WISHED[1])
        assert (changed.generation, changed.outcome) == (2, "completed"), where(events)


@pytest.mark.requirement("table.resume")
async def test_an_edit_by_hand_that_was_cut_goes_on_without_asking_a_model() -> None:
    _, edit, first = await recorded_edit(WISHED[1:3])
    for data in edit.cuts(first):
        events = edit.cut(data)
        resumed = await edit.resumed()
        assert whole(resumed.result) == whole(edit.result), where(events)
        assert not resumed.asked, where(events)


def filling() -> ScriptedModel:
    """Sub-agents that read, one of whom fails, and who writes the answer."""
    return ScriptedModel({"researcher": country, "writer": [Say("Chad City is a capital.")]})


@pytest.mark.requirement("table.resume", "table.start-from-file")
async def test_a_run_that_began_with_a_table_cut_at_any_event_comes_to_the_same_end(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("country,capital\nChile,Santiago\nPeru,Lima\nChad,\nLaos,Vientiane\n")
    columns = "length (number, km)"
    run = await record(filling, tools, table=path, columns=columns)
    result = run.result
    assert values(result) == [
        ["Chile", "Santiago", "1234"],
        ["Peru", "Lima", ""],
        ["Chad", "Chad City", "1234"],
        ["Laos", "Vientiane", "1234"],
    ]
    arguments = arguments_in(run.events())
    path.unlink()
    for data in run.cuts(torn=True):
        events = run.cut(data)
        replies, reported = replies_in(events)
        resumed = await run.resumed()
        assert whole(resumed.result) == whole(result), where(events)
        assert figures(resumed.result) == figures(result), where(events)
        for name, times in run.asked.items():
            left = 0 if name in reported else times - replies[name]
            assert resumed.asked[name] == left, f"{where(events)}; asked: {name}"
        assert not calls_in(events, arguments) & set(resumed.done), where(events)

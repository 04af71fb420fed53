"""What openswarm does after a stage by itself: what is missing is worked on once more, what is
disputed is looked at again; each once, also where the run was cut."""

from collections.abc import Sequence
from typing import Any

import pytest
from recorded import record, replies_in
from test_undo import Facts, asked_of, asks, edited, row_of, values

import openswarm
from openswarm import Column, ScriptedModel, operations
from openswarm.core.errors import Fault, ModelError, UserError
from openswarm.core.events import ConflictFound
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.tools.documents import Document, fence
from swarm_scripts import (
    COLUMNS,
    Swarm,
    assigned,
    batch,
    brief,
    calls,
    create,
    hand_in,
    last_told,
    of,
    scripted,
)

pytestmark = pytest.mark.anyio
ANSWER = Say("Done.")
FIRST: Facts = {
    "Chile": {"capital": "Santiago", "population": "19"},
    "Peru": {"capital": "Lima"},
    "Laos": None,
    "Chad": None,
}
SECOND: Facts = {
    "Peru": {"population": "34"},
    "Laos": {"capital": "Vientiane"},
    "Mali": {"capital": "Bamako", "population": "24"},
}


def is_follow_up(request: Request) -> bool:
    """Whether openswarm itself assigned this."""
    return brief(request).startswith("The task as the user gave it, of which you do a part")


def trying(request: Request) -> Say:
    """What sub-agents find at first, and when they are sent again."""
    known = (SECOND if is_follow_up(request) else FIRST).get(row_of(request))
    if known is None:
        return Say(error=ModelError(Fault.REFUSED, "not about that one"))
    return hand_in(**{name: known.get(name, "") for name in asked_of(request)})


def with_gaps(*stages: Sequence[str]) -> ScriptedModel:
    """A run of these stages; of some rows everything, or something, is missing at first."""
    return scripted([*(calls(batch(rows)) for rows in stages), ANSWER], researcher=trying)


@pytest.mark.requirement("table.complete")
async def test_what_is_missing_after_a_stage_is_worked_on_once_more() -> None:
    model = with_gaps(["Chile", "Peru", "Laos", "Chad"])
    swarm = Swarm(model, columns=COLUMNS, complete=True)
    result = await swarm.run()
    assert asks(model) == {"orchestrator": 2, "researcher": 7}
    again = [event for event in assigned(swarm) if event.reason]
    assert [(event.item, event.reason, event.columns, event.stage) for event in again] == [
        ("Laos", "complete", (), 2),
        ("Chad", "complete", (), 2),
        ("Peru", "complete", ("population",), 2),
    ]
    assert values(result) == [
        ["Chile", "Santiago", "19"],
        ["Peru", "Lima", "34"],
        ["Laos", "Vientiane", ""],
    ]
    assert (result.outcome, result.why) == ("partial", "1 row is missing: Chad")
    assert (result.stats.stages, result.stats.critical_steps) == (2, 4)


@pytest.mark.requirement("table.complete")
async def test_the_orchestrator_is_told_how_it_stands_after_the_second_try() -> None:
    model = with_gaps(["Chile", "Laos", "Chad"])
    await Swarm(model, columns=COLUMNS, complete=True).run()
    (said,) = last_told(model)
    assert "The table has 2 rows:" in said
    assert "Laos | Vientiane | " in said
    missing = said[said.index("Missing: ") :]
    assert "Chad (failed: model: refused)" in missing
    assert "Laos" not in missing
    assert said.startswith("2 of 3 completed.")


@pytest.mark.requirement("table.complete")
@pytest.mark.parametrize("rows", [["Chad"], ["Laos"], ["Peru"], ["Chile"]])
async def test_what_was_tried_twice_is_not_tried_again_in_later_stages(rows: list[str]) -> None:
    model = with_gaps(rows, ["Chile"] if rows != ["Chile"] else ["Peru"], ["Mali"])
    swarm = Swarm(model, columns=COLUMNS, complete=True)
    await swarm.run()
    again = [event.item for event in assigned(swarm) if event.reason == "complete"]
    assert sorted(again) == sorted({"Mali", "Peru" if rows == ["Chile"] else rows[0]})


@pytest.mark.requirement("table.complete")
async def test_nothing_more_is_asked_where_nothing_is_missing_or_nobody_asked_for_it() -> None:
    for rows, complete in ((["Chile"], True), (["Peru", "Laos"], False)):
        model = with_gaps(rows)
        await Swarm(model, columns=COLUMNS, complete=complete).run()
        assert asks(model) == {"orchestrator": 2, "researcher": len(rows)}


@pytest.mark.requirement("table.complete", "table.untouched")
async def test_a_later_edit_does_not_work_on_what_else_is_missing() -> None:
    run = await openswarm.run(
        "Do it.", model=with_gaps(["Chile", "Laos"]), mode="swarm", columns=COLUMNS, complete=True
    )
    assert values(run)[1] == ["Laos", "Vientiane", ""]
    column = operations.AddColumn(column=Column(name="river"))
    facts = {"Chile": {"river": "Loa"}, "Laos": {"river": "Mekong", "population": "7"}}
    result, asked = await edited(run, column, facts=facts)
    assert asked == {"researcher": 2}
    assert values(result)[1] == ["Laos", "Vientiane", "", "Mekong"]


# different values


PAGES = {
    "researcher": Document("old.md", "In 1810 the capital was Valparaiso.\nPeople: 19 million."),
    "checker": Document("new.md", "The seat of government is Santiago.\nPeople: 20 million."),
    "third": Document("new.md", "The seat of government is Santiago.\nPeople: 20 million."),
}
CLAIMS = {
    "researcher": ("Valparaiso", "the capital was Valparaiso", "19"),
    "checker": ("Santiago", "The seat of government is Santiago", "20"),
    "third": ("santiago", "The seat of government is Santiago", "20"),
}


@openswarm.tool(read_only=True)
async def read(name: str) -> str:
    """Reads the pages that someone has."""
    return fence(PAGES[name])


def claiming(request: Request) -> Say:
    """Reads, and hands in what stands there."""
    if len(request.history) == 2:
        return calls(("read", {"name": request.agent}))
    capital, quote, people = CLAIMS[request.agent]
    given = {"value": capital, "source": PAGES[request.agent].source, "quote": quote}
    more = {"population": people} if "population" in asked_of(request) else {}
    return hand_in(capital=given, **more)


def disputed(*agents: str, verdict: dict[str, str] | None = None, stages: int = 1) -> ScriptedModel:
    """Several sub-agents work on Chile and differ; the one that looks again says `verdict`."""

    def work(request: Request) -> Say:
        if is_follow_up(request):
            return hand_in(**{name: (verdict or {}).get(name, "") for name in asked_of(request)})
        return claiming(request)

    made = [create(name, f"You are the {name}.") for name in ("checker", "third")]
    first = calls(
        *made,
        *(batch(["Chile"], agent=agent, template=f"{{{{item}}}}: {agent}.") for agent in agents),
    )
    later = [
        calls(batch(["Chile"], agent="third", template=f"{{{{item}}}} {n}."))
        for n in range(1, stages)
    ]
    names = ("researcher", "checker", "third")
    return scripted([first, *later, ANSWER], **dict.fromkeys(names, work))


async def settled(model: ScriptedModel, policy: Any, **options: Any) -> tuple[Swarm, Any]:
    """A run with a policy, and its result."""
    columns = "country; capital: the seat of government"
    given = {"columns": columns, "on_conflict": policy, "tools": [read]} | options
    swarm = Swarm(model, **given)
    return swarm, await swarm.run()


@pytest.mark.requirement("table.policies")
@pytest.mark.parametrize(
    ("policy", "agents", "value", "state", "others", "rule"),
    [
        (
            "majority", ["researcher", "checker", "third"],
            "Santiago", "filled", ["Valparaiso"], "majority, then first assigned",
        ),
        (
            "majority", ["researcher", "checker"],
            "Valparaiso", "conflict", ["Santiago"], "majority, then first assigned",
        ),
        (
            "first", ["researcher", "checker", "third"],
            "Valparaiso", "filled", ["Santiago"], "first assigned",
        ),
        (
            "keep-both", ["researcher", "checker"],
            "Valparaiso | Santiago", "conflict", ["Santiago"], "both are kept",
        ),
        (
            "recheck", ["researcher", "checker", "third"],
            "Quito", "unverified", ["Santiago", "Valparaiso"], "root/4 looked at both again",
        ),
    ],
)  # fmt: skip
async def test_different_values_are_settled_by_the_policy_and_put_on_record(
    policy: Any, agents: list[str], value: str, state: str, others: list[str], rule: str
) -> None:
    swarm, result = await settled(disputed(*agents, verdict={"capital": "Quito"}), policy)
    (row,) = result.table.rows
    cell, conflict = row.cells["capital"], result.table.conflict(row, "capital")
    assert (cell.value, cell.state) == (value, state)
    assert sorted(other.value for other in conflict.others) == sorted(others)
    assert (conflict.kept, conflict.rule) == (cell, rule)
    last = of(swarm, ConflictFound)[-1]
    assert (last.key, last.column, last.kept) == (("chile",), "capital", cell)
    assert (last.other, *last.more) == conflict.others
    assert {other.quote for other in conflict.others} <= {quote for _, quote, _ in CLAIMS.values()}


@pytest.mark.requirement("table.policies")
async def test_a_policy_that_there_is_not_is_refused() -> None:
    with pytest.raises(UserError, match="conflicts: Input should be 'majority', 'first'"):
        await settled(scripted([]), "loudest")


@pytest.mark.requirement("table.recheck")
async def test_a_fresh_sub_agent_that_sees_both_values_with_their_quotes_decides() -> None:
    model = disputed("researcher", "checker", verdict={"capital": "SANTIAGO"})
    swarm, result = await settled(model, "recheck")
    again = next(event for event in assigned(swarm) if event.reason == "recheck")
    assert (again.agent, again.columns, again.stage) == ("root/3", ("capital",), 2)
    said = again.brief.text
    assert "Different values were found for capital. Look at the sources, decide which one" in said
    assert "- Valparaiso: “the capital was Valparaiso” (old.md)" in said
    assert "- Santiago: “The seat of government is Santiago” (new.md)" in said
    (row,) = result.table.rows
    cell = row.cells["capital"]
    assert (cell.value, cell.agent, cell.state, cell.source) == (
        "SANTIAGO", "root/3", "filled", "new.md"
    )  # fmt: skip
    first, last = of(swarm, ConflictFound)
    assert {first.kept.value, first.other.value} == {"Valparaiso", "Santiago"}
    assert (first.kept.state, first.kept.confidence) == ("conflict", "low")
    assert (last.kept, last.other.value, last.rule) == (
        cell, "Valparaiso", "root/3 looked at both again"
    )  # fmt: skip
    assert "Chile | SANTIAGO" in last_told(model)[-1]


@pytest.mark.requirement("table.recheck")
async def test_what_cannot_be_decided_stays_a_conflict_and_is_not_looked_at_again() -> None:
    model = disputed("researcher", "checker", stages=3)
    swarm, result = await settled(model, "recheck")
    cell = result.table.rows[0].cells["capital"]
    assert (cell.state, cell.confidence) == ("conflict", "low")
    assert [event.reason for event in assigned(swarm)].count("recheck") == 1


@pytest.mark.requirement("table.recheck")
async def test_of_two_disputed_cells_the_one_that_was_not_decided_is_not_looked_at_again() -> None:
    model = disputed("researcher", "checker", verdict={"capital": "Santiago"}, stages=2)
    swarm, result = await settled(model, "recheck", columns=COLUMNS)
    cells = result.table.rows[0].cells
    assert (cells["capital"].value, cells["capital"].state) == ("Santiago", "filled")
    assert cells["population"].state == "conflict"
    assert [event.reason for event in assigned(swarm)].count("recheck") == 1


# cut and resumed


def following_up() -> ScriptedModel:
    """A run in which a row is missing, a cell is empty, and two cells of another row differ."""

    def work(request: Request) -> Say:
        if row_of(request) != "Chile":
            return trying(request)
        if is_follow_up(request):
            return hand_in(capital="Santiago", population="")
        return claiming(request)

    first = calls(
        create("checker"),
        batch(["Chile", "Peru", "Laos"]),
        batch(["Chile"], agent="checker", template="Check {{item}}."),
    )
    return scripted([first, ANSWER], researcher=work, checker=work)


@pytest.mark.requirement("table.complete", "table.recheck", "table.resume")
async def test_a_follow_up_that_was_cut_at_any_event_is_not_done_twice() -> None:
    options = {"mode": "swarm", "columns": COLUMNS, "complete": True, "on_conflict": "recheck"}
    run = await record(following_up, lambda _: [read], **options)
    result = run.result
    assert values(result) == [["Chile", "Santiago", "19"], ["Peru", "Lima", "34"],
                              ["Laos", "Vientiane", ""]]  # fmt: skip
    reasons = [event.reason for event in assigned(run.events()) if event.reason]
    assert reasons == ["complete", "complete", "recheck"]
    same = {"wall_s", "max_in_flight"}
    for data in run.cuts():
        events = run.cut(data)
        replies, reported = replies_in(events)
        resumed = await run.resumed()
        where = f"cut after event {len(events)}: {events[-1]}"
        assert resumed.result.table == result.table, where
        for name, times in run.asked.items():
            left = 0 if name in reported else times - replies[name]
            assert resumed.asked[name] == left, f"{where}; asked: {name}"
        figures = resumed.result.stats.model_dump(exclude=same)
        assert figures == result.stats.model_dump(exclude=same), where
        assert [e.reason for e in assigned(run.events()) if e.reason] == reasons, where

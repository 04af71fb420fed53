"""The table of a run: rows merged by key, whatever the order in which reports come."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.columns import parse_columns
from openswarm.core.errors import ContractError
from openswarm.core.events import ReportReceived, RowsMerged, RunStarted
from openswarm.core.result import Report
from openswarm.core.table import Cell, Row, Table
from openswarm.core.task import Task
from openswarm.journal.fold import RunView, fold
from openswarm.journal.journal import MemoryJournal
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.swarm.merge import RULE, TableMerge
from swarm_scripts import Swarm, assign, batch, brief, calls, of, scripted

CONTRACT = parse_columns("country; capital; currency", ["country"])


def row(agent: str, country: str, capital: str = "", currency: str = "") -> Row:
    """A row with its evidence."""
    values = {"country": country, "capital": capital, "currency": currency}
    return Row(
        cells={
            name: Cell(
                value=value,
                agent=agent,
                source=f"{agent}.md" if value else "",
                quote=f"{agent} says {value}" if value else "",
                state="filled" if value else "empty",
            )
            for name, value in values.items()
        }
    )


def report(number: int, *rows: tuple[str, ...]) -> Report:
    """The report of the sub-agent of that number."""
    agent = f"root/{number}"
    return Report(agent=agent, outcome="completed", rows=tuple(row(agent, *r) for r in rows))


def merged(reports: Sequence[Report]) -> tuple[Table, RunView]:
    """The live table after these reports, and the view that its journal folds to."""
    journal = MemoryJournal()
    task = Task(text="t", contract=CONTRACT)
    journal.append(RunStarted(task=task, model="", subagent_model="", openswarm=""))
    merge = TableMerge(journal, CONTRACT)
    for entry in reports:
        merge.add(int(entry.agent.rpartition("/")[2]), entry)
    table = merge.table()
    assert table is not None
    return table, fold(journal.events())


def cell(table: Table, column: str, place: int = 0) -> Cell:
    """One cell of the table."""
    return table.rows[place].cells[column]


NAMES = st.sampled_from(["Chile", "chile", " CHILE. ", "Peru", "Laos"])
VALUES = st.sampled_from(["", "A", "a", "B", "C"])
ROWS = st.lists(st.tuples(NAMES, VALUES, VALUES), max_size=4)


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[Report], list[Report]]:
    """The reports of some sub-agents, and the same in another order."""
    reports = [report(n, *rows) for n, rows in enumerate(draw(st.lists(ROWS, max_size=6)), 1)]
    return reports, draw(st.permutations(reports))


@pytest.mark.requirement("swarm.merge")
@settings(deadline=None, max_examples=50)
@given(shuffled())
def test_the_order_in_which_reports_come_changes_nothing(
    orders: tuple[list[Report], list[Report]],
) -> None:
    table, view = merged(orders[0])
    other_table, other_view = merged(orders[1])
    assert table == other_table
    settled = [
        {(c.key, c.column): (c.kept, c.others) for c in seen.conflicts}
        for seen in (view, other_view)
    ]
    assert settled[0] == settled[1]


@pytest.mark.requirement("swarm.merge")
@pytest.mark.requirement("journal.fold")
@settings(deadline=None, max_examples=50)
@given(shuffled())
def test_the_journal_folds_to_the_live_table(orders: tuple[list[Report], list[Report]]) -> None:
    table, view = merged(orders[1])
    assert view.table == table
    for conflict in view.conflicts:
        kept = next(r for r in table.rows if r.key(CONTRACT) == conflict.key).cells[conflict.column]
        assert (kept.value, kept.agent) == (conflict.kept.value, conflict.kept.agent)


@settings(deadline=None, max_examples=50)
@given(shuffled(), st.integers(0, 6))
def test_a_merge_that_is_taken_up_again_goes_on_as_if_nothing_had_been(
    orders: tuple[list[Report], list[Report]], cut: int
) -> None:
    before, after = orders[1][:cut], orders[1][cut:]
    journal = MemoryJournal()
    task = Task(text="t", contract=CONTRACT)
    journal.append(RunStarted(task=task, model="", subagent_model="", openswarm=""))
    for entry in before:
        journal.append(ReportReceived(agent=entry.agent, outcome=entry.outcome, rows=entry.rows))
    merge = TableMerge(journal)
    merge.restore(tuple(journal.events()))
    for entry in after:
        merge.add(int(entry.agent.rpartition("/")[2]), entry)
    assert merge.table() == merged(orders[0])[0] == fold(journal.events()).table


@pytest.mark.requirement("swarm.merge")
def test_rows_of_one_key_are_one_row_and_what_one_lacks_the_other_gives() -> None:
    table, view = merged(
        [report(1, ("Chile", "Santiago", "")), report(2, (" CHILE. ", "santiago", "peso"))]
    )
    assert [entry.values() for entry in table.rows] == [
        {"country": "Chile", "capital": "Santiago", "currency": "peso"}
    ]
    assert cell(table, "currency").agent == "root/2"
    assert not view.conflicts


@pytest.mark.requirement("swarm.merge")
def test_rows_stand_in_the_order_of_assignment() -> None:
    table, _ = merged(
        [report(3, ("Laos", "x", "")), report(1, ("Peru", "y", ""), ("Chile", "z", ""))]
    )
    assert [entry.values()["country"] for entry in table.rows] == ["Peru", "Chile", "Laos"]


@pytest.mark.requirement("swarm.conflicts")
def test_a_conflict_is_kept_with_the_evidence_of_both_sides_and_settled_by_majority() -> None:
    table, view = merged(
        [
            report(n, ("Chile", value, ""))
            for n, value in ((1, "Lima"), (2, "Santiago"), (3, "santiago"))
        ]
    )
    assert (cell(table, "capital").value, cell(table, "capital").state) == ("Santiago", "filled")
    (conflict,) = view.conflicts
    assert (conflict.key, conflict.column, conflict.rule) == (("chile",), "capital", RULE)
    assert (conflict.kept.quote, conflict.kept.source) == ("root/2 says Santiago", "root/2.md")
    assert (conflict.others[0].quote, conflict.others[0].source) == (
        "root/1 says Lima",
        "root/1.md",
    )


@pytest.mark.requirement("swarm.conflicts")
def test_in_a_tie_the_first_assigned_is_kept_and_marked_as_a_conflict() -> None:
    table, view = merged([report(2, ("Chile", "Lima", "")), report(1, ("Chile", "Santiago", ""))])
    assert (cell(table, "capital").value, cell(table, "capital").state) == ("Santiago", "conflict")
    assert view.conflicts[0].kept.agent == "root/1"


@pytest.mark.requirement("swarm.conflicts")
def test_a_record_of_a_conflict_follows_a_majority_that_turns() -> None:
    reports = [report(n, ("Chile", v, "")) for n, v in ((1, "Lima"), (2, "Santiago"))]
    _, early = merged(reports)
    table, late = merged([*reports, report(3, ("Chile", "Santiago", ""))])
    assert early.conflicts[0].kept.value == "Lima"
    assert [(c.kept.value, c.others[0].value) for c in late.conflicts] == [("Santiago", "Lima")]
    assert cell(table, "capital").value == "Santiago"


@pytest.mark.requirement("swarm.conflicts")
def test_a_sub_agent_has_one_vote_however_often_it_hands_in_a_row() -> None:
    table, _ = merged(
        [report(1, ("Chile", "Santiago", "")), report(2, *[("Chile", "Lima", "")] * 3)]
    )
    assert (cell(table, "capital").value, cell(table, "capital").state) == ("Santiago", "conflict")


def test_of_equal_values_the_one_with_evidence_is_kept() -> None:
    bare = Cell(value="Santiago", agent="root/1", state="unverified")
    first = row("root/1", "Chile", "Santiago")
    first = Row(cells={**first.cells, "capital": bare})
    entry = Report(agent="root/1", outcome="completed", rows=(first,))
    table, view = merged([entry, report(2, ("Chile", "santiago", ""))])
    assert cell(table, "capital").source == "root/2.md"
    assert not view.conflicts


def test_what_changes_nothing_is_not_journalled() -> None:
    journal = MemoryJournal()
    merge = TableMerge(journal, CONTRACT)
    merge.add(1, report(1, ("Chile", "Santiago", "")))
    merge.add(2, report(2, ("chile", "Santiago", "")))
    assert len(of(journal.events(), RowsMerged)) == 1


def test_another_contract_is_refused_and_the_same_one_is_nothing_new() -> None:
    journal = MemoryJournal()
    merge = TableMerge(journal, CONTRACT)
    merge.declare(CONTRACT)
    assert not journal.events()
    with pytest.raises(ContractError, match="frozen"):
        merge.declare(parse_columns("town", ["town"]))


@pytest.mark.anyio
@pytest.mark.requirement("swarm.conflicts")
async def test_a_conflict_of_a_whole_run_is_in_its_table_and_in_its_journal() -> None:
    def work(request: Request) -> Say:
        if "again" in brief(request):
            rows = [{"country": "Chile", "capital": "Santiago", "currency": "peso"}]
            return calls(("report", {"rows": rows}))
        return calls(("report", {"capital": "Valparaiso", "currency": "peso"}))

    model = scripted(
        [calls(batch(["Chile"]), assign("Look again at Chile.")), Say("Done.")], researcher=work
    )
    swarm = Swarm(model, columns=CONTRACT)
    result = await swarm.run()
    capital = result.table.rows[0].cells["capital"]
    assert (capital.value, capital.state, capital.agent) == ("Valparaiso", "conflict", "root/1")
    assert result.table.rows[0].cells["currency"].state == "unverified"
    (conflict,) = fold(swarm.journal.events()).conflicts
    assert (conflict.kept.value, conflict.others[0].value) == ("Valparaiso", "Santiago")

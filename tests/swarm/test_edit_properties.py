"""Edits of any table, several at once: what they leave alone, how they fold and are taken back."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openswarm.core import events as ev
from openswarm.core import operations as do
from openswarm.core.contract import Alias, Column, Contract
from openswarm.core.errors import ContractError, UserError
from openswarm.core.normalise import same_value
from openswarm.core.result import Report
from openswarm.core.table import Cell, Key, Row, Table
from openswarm.core.task import Task
from openswarm.journal.fold import RunView, fold
from openswarm.journal.journal import MemoryJournal
from openswarm.journal.tables import TableFold
from openswarm.modes.filling import num_edited
from openswarm.swarm.edits import EditPlan, plan_edit
from openswarm.swarm.fill import Fill
from openswarm.swarm.merge import TableMerge
from swarm_scripts import of

Place = tuple[Key, str]
"""A cell, by the key of its row and its column."""

YEARS = ("2023", "2024")
KEY = (Column(name="country"), Column(name="year", type="number"))
ASKED = (
    Column(name="capital"),
    Column(name="area", type="number", unit="km2"),
    Column(name="status", type="enum", options=("open", "closed")),
    Column(name="currency", nullable=False),
)
VALUES = {
    "text": ["", "A", "a", "B"],
    "number": ["", "1", "1.0", "2"],
    "enum": ["", "open", "closed"],
}
LUCK = st.integers(0, 999)
"""What sub-agents find, or the order in which they hand in."""
USUAL = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])


# runs and edits of them


def row_names(parts: int) -> list[str]:
    """Names of rows, of so many parts."""
    names = ["Chile", "Peru", "Laos", "Mali", "Oman", "Togo"]
    return names if parts == 1 else [f"{name} / {year}" for name in names[:4] for year in YEARS]


@st.composite
def finished(draw: st.DrawFn) -> TableMerge:
    """A run that has answered: rows in any state were given, and sub-agents may disagree."""
    parts = draw(st.integers(1, 2))
    contract = Contract(
        columns=(*KEY[:parts], *ASKED[: draw(st.integers(1, 4))]),
        key=tuple(column.name for column in KEY[:parts]),
        aliases=(Alias(name="Chile", others=("Republic of Chile",)),)[: draw(st.integers(0, 1))],
    )
    some = st.sampled_from(row_names(parts))
    names = draw(st.lists(some, max_size=4, unique=True))
    task = Task(
        text="t",
        contract=contract,
        rows=tuple(draw(rows_given(contract, name)) for name in names),
        conflicts=draw(st.sampled_from(["majority", "first", "keep-both", "recheck"])),
    )
    merge = TableMerge(MemoryJournal(), contract, task.conflicts)
    started = ev.RunStarted(task=task, model="", subagent_model="", openswarm="")
    merge.restore([merge.journal.append(started)])
    items = draw(st.lists(some, min_size=1, max_size=6))
    fills = [Fill(contract.parts(item), (), "") for item in items]
    work(merge, fills, draw(LUCK), shuffled(len(fills), draw(LUCK))[1:])
    answer(merge, "first")
    return merge


@st.composite
def rows_given(draw: st.DrawFn, contract: Contract, name: str) -> Row:
    """A row with cells in any state."""
    cells = dict.fromkeys(contract.names, Cell())
    for part, value in zip(contract.key, contract.parts(name), strict=True):
        cells[part] = Cell(value=value, agent="user", state="locked")
    for column in contract.asked:
        value = draw(st.sampled_from(VALUES[column.type]))
        states = ["filled", "unverified", "edited", "locked"] if value else ["empty", "locked"]
        cells[column.name] = Cell(value=value, agent="user", state=draw(st.sampled_from(states)))
    return Row(cells=cells)


def edits(table: Table) -> st.SearchStrategy[list[do.Operation]]:
    """Operations that mostly name what is there."""
    contract = table.contract
    names, there = row_names(len(contract.key)), [row.name(contract) for row in table.rows]
    anywhere, rows = st.sampled_from(names), st.sampled_from([*names[:3], *there * 4])
    asked = [column.name for column in contract.asked] or ["capital"]
    columns = st.sampled_from([*asked, *asked, asked[0].upper(), *contract.key])
    new = st.sampled_from(["motto", "flag", asked[-1]])
    several, pair = st.lists(rows, min_size=1, max_size=2), st.lists(rows, min_size=2, max_size=3)
    into = st.lists(anywhere, min_size=2, max_size=3, unique=True)
    values = st.sampled_from(["open", "1,000", "Togo", "Oman", "2024", ""])
    kinds: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "retry_row": {"row": rows},
        "retry_cell": {"row": rows, "column": columns},
        "retry_failed": {},
        "complete": {},
        "add_column": {"column": st.builds(Column, name=new), "after": st.just("") | columns},
        "drop_column": {"column": columns},
        "rename_column": {"column": columns, "to": new},
        "add_rows": {"rows": st.lists(anywhere, min_size=1, max_size=2)},
        "remove_rows": {"rows": several},
        "set_cell": {"row": rows, "column": columns, "value": values},
        "unlock": {"row": st.just("") | rows, "column": st.just("") | columns},
        "split_row": {"row": rows, "into": into},
        "join_rows": {"rows": pair, "into": st.just("") | anywhere},
    }
    one = st.one_of([
        st.fixed_dictionaries({"op": st.just(op), **fields}) for op, fields in kinds.items()
    ])  # fmt: skip
    return st.lists(one.map(lambda fields: do.make_operation(**fields)), min_size=1, max_size=5)


def planned(data: st.DataObject, merge: TableMerge) -> EditPlan:
    """The plan of those operations that can be done; the others leave all as it was."""
    before, tables = (fold(merge.journal.events()).tables for _ in range(2))
    plan = plan_edit([do.Reword()], tables)
    for operation in data.draw(edits(table_of(tables))):
        try:
            plan = plan_edit([*plan.operations, operation], tables)
        except (UserError, ContractError):
            assert tables == before
    assert tables == before
    return plan


def edit(merge: TableMerge, plan: EditPlan, found: int, order: int) -> None:
    """A generation, from its start to its answer."""
    number = merge.tables.generations + 1
    merge.edit(ev.GenerationStarted(number=number, operations=plan.operations))
    carry_out(merge, plan, found, order)


def carry_out(merge: TableMerge, plan: EditPlan, found: int, order: int) -> None:
    """Does what is left of a plan, as the engine does it, and answers."""
    for change in plan.changes[num_edited(merge.journal.events()) :]:
        merge.edit(change)
        assert fold(merge.journal.events()).table == merge.table()
    work(merge, plan.fills, found, shuffled(len(plan.fills), order))
    answer(merge, f"generation {merge.tables.generation}")


def shuffled(number: int, luck: int) -> list[int]:
    """So many places in any order."""
    return random.Random(luck).sample(range(number), number)


def work(merge: TableMerge, fills: Sequence[Fill], found: int, order: Sequence[int]) -> None:
    """Sub-agents work on fills, but for those that have, and hand in by that order."""
    journal, events = merge.journal, list(merge.journal.events())
    generations = (i for i, e in enumerate(events) if isinstance(e, ev.GenerationStarted))
    before = len(of(events[: max(generations, default=0)], ev.TaskAssigned))
    assigned = len(of(events, ev.TaskAssigned)) - before
    for number, fill in enumerate(fills[assigned:], before + assigned + 1):
        task = ev.TaskAssigned(
            agent=f"root/{number}", item=fill.name, system=ev.Content(), brief=ev.Content(),
            key=fill.key, columns=fill.columns, reason=fill.reason,
        )  # fmt: skip
        merge.tables.apply(journal.append(task))
    done = {event.agent for event in of(events, ev.ReportReceived)}
    for place in order:
        agent, fill = f"root/{before + place + 1}", fills[place]
        if agent not in done:
            rows = (row_found(merge, agent, fill, random.Random(1000 * found + place)),)
            journal.append(ev.ReportReceived(agent=agent, outcome="completed", rows=rows))
            report = Report(agent=agent, outcome="completed", rows=rows)
            merge.add(before + place + 1, report, fill.columns)
            assert fold(journal.events()).table == merge.table()


def row_found(merge: TableMerge, agent: str, fill: Fill, luck: random.Random) -> Row:
    """A row as a sub-agent hands it in."""
    assert merge.contract is not None
    contract = merge.contract.only(fill.columns) if fill.columns else merge.contract
    key = dict(zip(contract.key, fill.key, strict=True))
    values = {c.name: key.get(c.name, luck.choice(VALUES[c.type])) for c in contract.columns}
    return Row(cells={
        name: Cell(value=value, agent=agent, state="filled" if value else "empty")
        for name, value in values.items()
    })  # fmt: skip


def answer(merge: TableMerge, text: str) -> None:
    """The run, or a generation of it, is over."""
    content = merge.journal.keep(text)
    merge.journal.append(ev.Answered(outcome="partial", why=f"after {text}", text=content))


def state(view: RunView) -> tuple[object, ...]:
    """What undo brings back."""
    tables = view.tables
    table = (tables.table, tables.placed, tables.conflicts, tables.expected, tables.generation)
    return (*table, view.answer, view.outcome, view.why)


def restored(events: Sequence[ev.AnyEvent]) -> TableMerge:
    """The merge of another process that takes a run up."""
    journal = MemoryJournal()
    past = [journal.append(ev.EVENT.validate_json(event.model_dump_json())) for event in events]
    task = of(events, ev.RunStarted)[0].task
    merge = TableMerge(journal, task.contract, task.conflicts)
    merge.restore(past)
    return merge


# what operations name


def table_of(tables: TableFold) -> Table:
    """A table that is there."""
    assert tables.table is not None
    return tables.table


def cells_of(table: Table) -> dict[Place, Cell]:
    """The cells of a table."""
    rows = ((row.key(table.contract), row) for row in table.rows)
    return {(key, name): cell for key, row in rows for name, cell in row.cells.items()}


def keys_named(operation: do.Operation, contract: Contract) -> set[Key]:
    """The rows that an operation names, those that it makes included."""
    into = getattr(operation, "into", ())
    names = (*getattr(operation, "rows", ()), *([into] if isinstance(into, str) else into))
    names = (getattr(operation, "row", ""), *names)
    return {contract.fold(contract.parts(name)) for name in names if name}


def is_named(operation: do.Operation, contract: Contract, place: Place) -> bool:
    """Whether an operation may change a cell at once."""
    match operation:
        case do.RemoveRows() | do.SplitRow() | do.JoinRows():
            return place[0] in keys_named(operation, contract)
        case do.DropColumn(column=column):
            return place[1] == contract.column(column).name
        case do.SetCell(column=column):
            named = (*keys_named(operation, contract), contract.column(column).name)
            return place == named
        case _:
            return False


def moved(operation: do.Operation, before: Table, after: Table, place: Place) -> Place:
    """Where a cell stands afterwards."""
    old, new, (key, name) = before.contract, after.contract, place
    match operation:
        case do.RenameColumn(column=column, to=to):
            return key, to if name == old.column(column).name else name
        case do.SetCell() if key in keys_named(operation, old):
            made = {row.key(new) for row in after.rows} - {row.key(old) for row in before.rows}
            return made.pop() if made else key, name
        case do.JoinRows(rows=rows, into=into):
            joined = {old.fold(old.parts(name)) for name in rows}
            return new.fold(new.parts(into or rows[0])) if key in joined else key, name
        case _:
            return place


def asked_by(operation: do.Operation, tables: TableFold) -> set[Place]:
    """The cells that sub-agents have to find for it, in the table that it leaves."""
    table, there = table_of(tables), set(tables.placed)
    contract, cells = table.contract, cells_of(table)
    asked = [column.name for column in contract.asked]
    expected = {contract.fold(contract.parts(name)) for name in tables.expected.values()}
    bare = {key for key in there if asked and not any(cells[key, n].value for n in asked)}
    missing, named = (expected - there) | bare, keys_named(operation, contract)
    found = {(key, name) for key in there | missing for name in asked}
    match operation:
        case do.RetryRow() | do.AddRows() | do.SplitRow():
            found = {p for p in found if p[0] in named}
        case do.RetryCell(column=column):
            found &= {(*named, contract.column(column).name)}
        case do.AddColumn(column=column):
            found = {p for p in found if p[1] == column.name and p[0] in there}
        case do.RetryFailed():
            found = {p for p in found if p[0] in missing}
        case do.Complete():
            found = {p for p in found if p[0] in missing or not cells[p].value}
        case _:
            return set()
    return {p for p in found if p not in cells or cells[p].state != "locked"}


def check_change(was: TableFold, change: ev.Edited, now: TableFold) -> None:
    """A change leaves every cell that it does not name as it was, and locked ones anyway."""
    before, after, operation = table_of(was), table_of(now), change.operation
    found = cells_of(after)
    for place, cell in cells_of(before).items():
        there = moved(operation, before, after, place)
        if not is_named(operation, before.contract, place):
            freed = isinstance(operation, do.Unlock) and cell.state == "locked"
            state = found[there].state if freed else cell.state
            assert found[there] == cell.model_copy(update={"state": state})
            known, conflict = was.conflicts.get(place), now.conflicts.get(there)
            assert (known and known.others) == (conflict and conflict.others)
        elif cell.state == "locked" and place[1] not in before.contract.key:
            is_set, column = isinstance(operation, do.SetCell), after.contract.column(place[1])
            assert is_set or found[there].state == "locked"
            assert is_set or same_value(found[there].value, cell.value, column)


# properties


@pytest.mark.requirement("table.untouched", "table.locked")
@USUAL
@given(st.data(), finished())
def test_operations_change_what_they_name_and_ask_for_it_alone(
    data: st.DataObject, merge: TableMerge
) -> None:
    plan = planned(data, merge)
    now, asked = fold(merge.journal.events()).tables.copy(), set[Place]()
    for change in plan.changes:
        was, operation = now.copy(), change.operation
        now.apply(change)
        check_change(was, change, now)
        before, after = table_of(was), table_of(now)
        is_join = isinstance(operation, do.JoinRows)
        stay = {p for p in asked if is_join or not is_named(operation, before.contract, p)}
        asked = {moved(operation, before, after, p) for p in stay} | asked_by(operation, now)
    cells, contract = cells_of(table_of(now)), table_of(now).contract
    fills = [(contract.fold(fill.key), name) for fill in plan.fills for name in fill.columns]
    assert sorted(fills) == sorted(p for p in asked if p not in cells or cells[p].state != "locked")
    assert len({contract.fold(fill.key) for fill in plan.fills}) == len(plan.fills)


@pytest.mark.requirement("table.untouched", "table.locked")
@USUAL
@given(st.data(), finished(), LUCK, LUCK)
def test_sub_agents_change_the_cells_that_they_are_asked_for_alone(
    data: st.DataObject, merge: TableMerge, found: int, order: int
) -> None:
    plan, tables = planned(data, merge), merge.tables.copy()
    for change in plan.changes:
        tables.apply(change)
    edit(merge, plan, found, order)
    before, after = cells_of(table_of(tables)), cells_of(table_of(merge.tables))
    keys = {fill.name: table_of(tables).contract.fold(fill.key) for fill in plan.fills}
    asked = {(keys[fill.name], name) for fill in plan.fills for name in fill.columns}
    new = {place for place in after if place[0] not in tables.placed}
    assert {key for key, _ in new} <= set(keys.values())
    assert {place for place in before if after[place] != before[place]} <= asked


@pytest.mark.requirement("table.undo")
@USUAL
@given(st.data(), finished(), LUCK, LUCK)
def test_undo_brings_back_exactly_what_was_before(
    data: st.DataObject, merge: TableMerge, found: int, order: int
) -> None:
    events = merge.journal.events()
    states = [state(fold(events))]
    edit(merge, planned(data, merge), found, order)
    states.append(state(fold(events)))
    done = len(events)
    edit(merge, planned(data, merge), found, order)
    past = [*events[: data.draw(st.integers(done + 1, len(events)))]]
    for number in (2, 1):
        past.append(ev.Undone(generation=number))
        assert state(fold(past)) == states[number - 1]
        assert restored(past).table() == fold(past).table
    again = restored(past)
    edit(again, planned(data, again), found, order)
    assert again.tables.generation == 3
    past = [*again.journal.events(), ev.Undone(generation=3)]
    assert state(fold(past)) == states[0]


@pytest.mark.requirement("table.resume", "table.fold", "swarm.merge")
@USUAL
@given(st.data(), finished(), LUCK, LUCK, LUCK)
def test_an_edit_that_was_cut_off_anywhere_comes_to_the_same_table(
    data: st.DataObject, merge: TableMerge, found: int, order: int, other: int
) -> None:
    first, plan = len(merge.journal.events()), planned(data, merge)
    edit(merge, plan, found, order)
    events = merge.journal.events()
    again = restored(events[: data.draw(st.integers(first + 1, len(events)))])
    planned_again = plan_edit(plan.operations, fold(events[:first]).tables)
    assert (planned_again.fills, planned_again.reword) == (plan.fills, plan.reword)
    carry_out(again, planned_again, found, other)
    assert again.table() == merge.table()

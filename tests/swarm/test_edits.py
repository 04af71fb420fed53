"""Each operation on a table: what changes at once, what is worked on, and what is refused."""

from collections.abc import Sequence

import pytest

from openswarm.core import operations as do
from openswarm.core.columns import parse_columns
from openswarm.core.contract import KEY_SEPARATOR, Column, Contract
from openswarm.core.errors import OpenswarmError, UserError
from openswarm.core.events import Content, GenerationStarted, RunStarted, TaskAssigned
from openswarm.core.result import Report
from openswarm.core.table import Cell, Row
from openswarm.core.task import Task
from openswarm.journal.journal import MemoryJournal
from openswarm.journal.tables import TableFold
from openswarm.swarm.edits import plan_edit
from openswarm.swarm.merge import TableMerge

ONE = parse_columns("country; capital; area (number, km2); status (enum, open|closed)")
TWO = parse_columns("country; year (number); gdp (number)", ["country", "year"])
CHILE = ("Chile", "Santiago", "756102", "open")
PERU = ("Peru", "Lima", "1285216", "")


def report(number: int, contract: Contract, values: Sequence[str]) -> Report:
    """The report of the sub-agent of that number."""
    agent = f"root/{number}"
    cells = {
        name: Cell(value=value, quote=f"so: {value}", agent=agent, state="filled")
        for name, value in zip(contract.names, values, strict=True)
    }
    cells = {name: cell if cell.value else Cell(agent=agent) for name, cell in cells.items()}
    return Report(agent=agent, outcome="completed", rows=(Row(cells=cells),))


def found(contract: Contract, *rows: Sequence[str], missing: Sequence[str] = ()) -> TableMerge:
    """A finished table: each row is of a sub-agent, those of one key disagree."""
    journal = MemoryJournal()
    task = Task(text="t", contract=contract)
    journal.append(RunStarted(task=task, model="", subagent_model="", openswarm=""))
    items = [*(KEY_SEPARATOR.join(r[: len(contract.key)]) for r in rows), *missing]
    for n, item in enumerate(items, 1):
        asked = TaskAssigned(agent=f"root/{n}", item=item, system=Content(), brief=Content())
        journal.append(asked)
    merge = TableMerge(journal, contract)
    merge.restore(journal.events())
    for number, values in enumerate(rows, 1):
        merge.add(number, report(number, contract, values))
    return merge


def edited(merge: TableMerge, *operations: do.Operation) -> TableFold:
    """The table after a generation of these operations."""
    changes = plan_edit(operations, merge.tables).changes
    merge.edit(GenerationStarted(number=merge.tables.generations + 1, operations=operations))
    for change in changes:
        merge.edit(change)
    return merge.tables


def rows(tables: TableFold) -> list[tuple[str, ...]]:
    """The values of a table."""
    return [tuple(row.values().values()) for row in tables.rows]


def names(tables: TableFold) -> list[str]:
    """The rows of a table, by name."""
    assert tables.contract is not None
    return [row.name(tables.contract) for row in tables.rows]


def work(merge: TableMerge, *operations: do.Operation) -> dict[str, tuple[str, ...]]:
    """Which columns of which rows sub-agents work on."""
    fills = plan_edit(operations, merge.tables).fills
    return {fill.name: fill.columns for fill in fills}


def cell(tables: TableFold, place: int, column: str) -> Cell:
    """One cell."""
    return tables.rows[place].cells[column]


def set_cell(row: str, column: str, value: str) -> do.SetCell:
    """Sets a cell by hand."""
    return do.SetCell(row=row, column=column, value=value)


# work on what is there again


@pytest.mark.requirement("table.retry")
def test_a_row_is_worked_on_again_but_for_its_locked_cells() -> None:
    merge = found(ONE, CHILE, PERU)
    assert work(merge, do.RetryRow(row=" chile ")) == {"Chile": ("capital", "area", "status")}
    edited(merge, set_cell("Chile", "area", "756,102"))
    plan = plan_edit([do.RetryRow(row="Chile")], merge.tables)
    (fill,) = plan.fills
    assert (fill.key, fill.columns, fill.reason) == (("Chile",), ("capital", "status"), "retry")
    assert plan.num_cells == 2
    assert plan.changes[0].rows == ()


@pytest.mark.requirement("table.retry")
def test_cells_of_one_row_are_worked_on_by_one_sub_agent() -> None:
    both = (do.RetryCell(row="Chile", column=c) for c in ("STATUS", "capital"))
    assert work(found(ONE, CHILE), *both) == {"Chile": ("capital", "status")}


# columns


@pytest.mark.requirement("table.add-column")
def test_a_new_column_is_empty_and_asked_for_alone() -> None:
    merge = found(ONE, CHILE, PERU)
    flag = do.AddColumn(column=Column(name="flag"), after="Capital")
    assert work(merge, flag) == {"Chile": ("flag",), "Peru": ("flag",)}
    tables = edited(merge, flag)
    assert tables.contract is not None
    assert tables.contract.names == ("country", "capital", "flag", "area", "status")
    assert rows(tables)[1] == ("Peru", "Lima", "", "1285216", "")


@pytest.mark.requirement("table.add-column")
def test_rows_that_are_added_with_a_column_are_asked_for_all_of_theirs() -> None:
    flag, laos = do.AddColumn(column=Column(name="flag")), do.AddRows(rows=("Laos",))
    whole = ("capital", "area", "status", "flag")
    merge = found(ONE, CHILE)
    assert work(merge, flag, laos) == work(merge, laos, flag) == {"Chile": ("flag",), "Laos": whole}


@pytest.mark.requirement("table.columns-by-hand")
def test_a_column_is_dropped_with_its_conflicts() -> None:
    merge = found(ONE, CHILE, ("Chile", "Lima", "756102", "open"))
    assert len(merge.tables.conflicts) == 1
    tables = edited(merge, do.DropColumn(column="CAPITAL"))
    assert rows(tables) == [("Chile", "756102", "open")]
    assert not tables.conflicts


@pytest.mark.requirement("table.columns-by-hand")
def test_a_renamed_column_keeps_its_cells_and_conflicts() -> None:
    merge = found(ONE, CHILE, ("Chile", "Lima", "756102", "open"))
    was = cell(merge.tables, 0, "capital")
    tables = edited(merge, do.RenameColumn(column="Capital", to=" seat "))
    assert cell(tables, 0, "seat") == was
    (conflict,) = tables.conflicts.values()
    assert (conflict.column, conflict.others[0].value) == ("seat", "Lima")
    assert tables.conflicts.keys() == {(("chile",), "seat")}


@pytest.mark.requirement("table.columns-by-hand")
def test_a_column_of_the_key_can_be_renamed() -> None:
    tables = edited(found(TWO, ("Chile", "2024", "1")), do.RenameColumn(column="year", to="in"))
    assert tables.contract is not None
    assert (tables.contract.key, names(tables)) == (("country", "in"), ["Chile / 2024"])


@pytest.mark.requirement("table.columns-by-hand")
def test_later_operations_use_the_new_name() -> None:
    merge = found(ONE, CHILE, PERU)
    rename = do.RenameColumn(column="Capital", to="seat ")
    assert work(merge, rename, do.RetryCell(row="Peru", column="seat")) == {"Peru": ("seat",)}
    tables = edited(merge, rename, set_cell("Peru", "SEAT", "Cusco"))
    assert cell(tables, 1, "seat").value == "Cusco"


@pytest.mark.requirement("table.columns-by-hand", "table.retry")
def test_work_that_was_named_follows_its_column() -> None:
    merge = found(ONE, CHILE, PERU)
    retry = do.RetryCell(row="Chile", column="capital")
    seat = do.RenameColumn(column="CAPITAL", to=" seat ")
    assert work(merge, retry, seat) == {"Chile": ("seat",)}
    drop, area = do.DropColumn(column="capital"), do.RenameColumn(column="area", to="capital")
    assert work(merge, retry, drop, area) == {}


@pytest.mark.requirement("table.columns-by-hand", "table.untouched")
def test_of_columns_that_read_alike_the_one_that_is_named_is_meant() -> None:
    merge = found(ONE, CHILE)
    alike = do.AddColumn(column=Column(name="Capital."))
    tables = edited(merge, alike, set_cell("Chile", "Capital.", "Valparaiso"))
    assert cell(tables, 0, "capital").value == "Santiago"


# rows


@pytest.mark.requirement("table.rows-by-hand")
def test_added_rows_stand_at_the_end_with_their_names_alone() -> None:
    merge = found(TWO, ("Chile", "2024", "1"))
    add = do.AddRows(rows=("Peru / 2,024", "Chile/2024 / 2025"))
    assert work(merge, add) == {"Peru / 2024": ("gdp",), "Chile/2024 / 2025": ("gdp",)}
    tables = edited(merge, add)
    assert rows(tables)[1:] == [("Peru", "2024", ""), ("Chile/2024", "2025", "")]
    year = cell(tables, 1, "year")
    assert (year.value, year.raw, year.agent) == ("2024", "2,024", "user")


@pytest.mark.requirement("table.rows-by-hand")
def test_rows_that_were_split_stand_where_the_one_stood_and_know_of_it() -> None:
    merge = found(TWO, ("Chile", "2024", "1"), ("Peru", "2024", "2"))
    split = do.SplitRow(row="Chile / 2024", into=("North / 2024", "Chile / 2024"))
    fills = plan_edit([split], merge.tables).fills
    assert [(f.name, f.columns, f.reason, f.kin) for f in fills] == [
        (name, ("gdp",), "split", ("chile", "2024")) for name in split.into
    ]
    tables = edited(merge, split)
    assert rows(tables) == [("North", "2024", ""), ("Chile", "2024", ""), ("Peru", "2024", "2")]


@pytest.mark.requirement("table.rows-by-hand")
def test_rows_stay_in_order_whatever_is_split_joined_and_added() -> None:
    merge = found(ONE, CHILE, PERU)
    edited(merge, do.AddRows(rows=("Laos", "Mali")))
    edited(merge, do.SplitRow(row="Peru", into=("P1", "P2", "P3", "P4")))
    assert names(merge.tables) == ["Chile", "P1", "P2", "P3", "P4", "Laos", "Mali"]
    tables = edited(merge, do.JoinRows(rows=("P2", "Laos")), do.AddRows(rows=("Oman",)))
    assert names(tables) == ["Chile", "P1", "P2", "P3", "P4", "Mali", "Oman"]


@pytest.mark.requirement("table.rows-by-hand")
def test_a_joined_row_stands_where_the_first_named_one_stood_under_its_name_or_a_new_one() -> None:
    merge = found(TWO, ("Chile", "2024", "1"), ("Peru", "2024", "1"), ("Laos", "2024", ""))
    tables = edited(merge, do.JoinRows(rows=("Laos / 2024", "Chile / 2024")))
    assert rows(tables) == [("Peru", "2024", "1"), ("Laos", "2024", "1")]
    both = ("Peru / 2024", "Laos / 2024")
    tables = edited(merge, do.JoinRows(rows=both, into="Both / 2,025"))
    assert rows(tables) == [("Both", "2025", "1")]
    assert (cell(tables, 0, "country").quote, cell(tables, 0, "year").agent) == ("", "user")


@pytest.mark.requirement("table.rows-by-hand", "table.locked")
def test_what_is_locked_in_any_of_the_joined_rows_stays() -> None:
    merge = found(ONE, CHILE, ("Republic", "Lima", "1", "open"))
    edited(merge, set_cell("Republic", "capital", "Valparaiso"), set_cell("Chile", "area", ""))
    tables = edited(merge, do.JoinRows(rows=("Chile", "Republic")))
    assert rows(tables) == [("Chile", "Valparaiso", "", "open")]
    assert [cell(tables, 0, name).state for name in ("capital", "area")] == ["locked"] * 2
    assert not tables.conflicts


@pytest.mark.requirement("table.rows-by-hand", "table.retry")
def test_work_that_was_named_goes_to_the_joined_row() -> None:
    merge = found(ONE, CHILE, PERU)
    cells = (("Chile", "capital"), ("Chile", "area"), ("Peru", "status"))
    retries = (do.RetryCell(row=row, column=column) for row, column in cells)
    locked = set_cell("Peru", "area", "1")
    join = do.JoinRows(rows=("Chile", "Peru"))
    assert work(merge, *retries, locked, join) == {"Chile": ("capital", "status")}


# cells


@pytest.mark.requirement("table.locked", "swarm.normalise")
def test_a_cell_that_is_set_has_the_form_of_its_column_and_is_locked() -> None:
    merge = found(ONE, CHILE, ("Chile", "Santiago", "1", "open"))
    tables = edited(merge, set_cell("CHILE", "Area", "291,930 sq mi"))
    area = cell(tables, 0, "area")
    assert (area.value, area.raw) == ("756095.22905", "291,930 sq mi")
    assert (area.state, area.agent, area.confidence, area.quote) == ("locked", "user", "high", "")
    assert not tables.conflicts
    tables = edited(merge, set_cell("Chile", "area", "unknown"))
    area = cell(tables, 0, "area")
    assert (area.value, area.state, area.confidence) == ("", "locked", "")
    merge.add(9, report(9, ONE, ("Chile", "Lima", "2", "closed")), ("area",))
    assert rows(merge.tables) == [("Chile", "Santiago", "", "open")]


@pytest.mark.requirement("table.locked", "table.rows-by-hand")
def test_a_cell_of_the_key_that_is_set_gives_its_row_another_name() -> None:
    merge = found(ONE, CHILE, PERU, missing=["Laos"])
    rename = set_cell("Chile", "country", "Republic")
    assert work(merge, do.RetryCell(row="Chile", column="area"), rename) == {"Republic": ("area",)}
    assert names(edited(merge, rename)) == ["Republic", "Peru"]


@pytest.mark.requirement("table.locked")
def test_a_cell_that_is_set_is_not_worked_on() -> None:
    capital, retry = set_cell("Chile", "Capital", "Santiago"), do.RetryRow(row="Chile")
    for operations in ((retry, capital), (capital, retry), (retry, capital, do.Unlock())):
        assert work(found(ONE, CHILE), *operations) == {"Chile": ("area", "status")}


@pytest.mark.requirement("table.locked")
@pytest.mark.parametrize(
    ("unlock", "locked"),
    [
        (do.Unlock(), set()),
        (do.Unlock(row="chile"), {("Peru", "capital")}),
        (do.Unlock(column="Capital"), {("Chile", "area")}),
        (do.Unlock(row="Chile", column="area"), {("Chile", "capital"), ("Peru", "capital")}),
    ],
)
def test_cells_are_unlocked_one_by_row_by_column_or_all(
    unlock: do.Unlock, locked: set[tuple[str, str]]
) -> None:
    merge = found(ONE, CHILE, PERU)
    by_hand = [set_cell(r, "capital", "Cusco") for r in ("Chile", "Peru")]
    edited(merge, *by_hand, set_cell("Chile", "area", ""))
    tables = edited(merge, unlock)
    cells = {(row.name(ONE), n): e.state for row in tables.rows for n, e in row.cells.items()}
    assert {place for place, state in cells.items() if state == "locked"} == locked
    assert cells["Chile", "area"] in ("locked", "empty")
    assert cells["Chile", "capital"] in ("locked", "edited")


@pytest.mark.requirement("table.reword")
def test_rewording_changes_nothing_and_the_last_wish_counts() -> None:
    merge = found(ONE, CHILE)
    plan = plan_edit([do.Reword(instruction=i) for i in ("shorter", "longer")], merge.tables)
    assert plan.reword == do.Reword(instruction="longer")
    assert (plan.fills, rows(edited(merge, *plan.operations))) == ((), [CHILE])


# refusals

LOCKED = "capital of Chile is locked; unlock it first"
REFUSED: list[tuple[do.Operation, str]] = [
    (do.RetryRow(row="Chili"), "there is no row 'Chili'; there are Chile"),
    (do.AddRows(rows=("n/a",)), "'n/a' does not name a row"),
    (do.RetryRow(row="..."), "'...' does not name a row; a row is named country"),
    (do.RetryCell(row="Chile", column="capitol"), "no column 'capitol'; the columns are country, "),
    (do.RetryCell(row="Chile", column="country"), "country is part of the key: it says which row"),
    (do.RetryCell(row="Chile", column="capital"), LOCKED),
    (do.RetryCell(row="Laos", column="area"), "row Laos was assigned and is missing; work on it"),
    (do.RetryRow(row="Mali"), "every cell of Mali is locked; unlock what may be worked on again"),
    (do.AddColumn(column=Column(name="Capital")), "column named twice: capital"),
    (do.AddColumn(column=Column(name="flag"), after="flags"), "there is no column 'flags'"),
    (do.DropColumn(column="country"), "country is part of the key"),
    (do.DropColumn(column="capital"), LOCKED),
    (do.RenameColumn(column="area", to="STATUS"), "column named twice: status"),
    (do.RenameColumn(column="area", to="  "), "name: String should have at least 1 character"),
    (do.AddRows(rows=("Laos", "chile.")), "there is a row chile. already"),
    (do.AddRows(rows=("Laos", "LAOS")), "there is a row LAOS already"),
    (do.RemoveRows(rows=("Peru", "Oman")), "there is no row 'Oman'"),
    (do.RemoveRows(rows=("Peru", "Chile")), LOCKED),
    (set_cell("Peru", "area", "large"), "area: 'large' is not a number; write it in digits"),
    (
        set_cell("Peru", "status", "shut"),
        "status: 'shut' is none of its options; write one of: open",
    ),
    (set_cell("Peru", "country", "CHILE"), "a row CHILE already; join the two instead"),
    (set_cell("Peru", "country", "n/a"), "country is part of the key and cannot be empty"),
    (do.Unlock(row="Peru"), "nothing in Peru is locked"),
    (do.Unlock(row="Peru", column="area"), "nothing in area of Peru is locked"),
    (do.SplitRow(row="Chile", into=("A", "B")), LOCKED),
    (do.SplitRow(row="Peru", into=("A", "Chile")), "there is a row Chile already"),
    (do.JoinRows(rows=("Peru", "PERU")), "joining takes two different rows"),
    (do.JoinRows(rows=("Peru", "Chile"), into="Mali"), "a row Mali that is not among those to be"),
    (do.JoinRows(rows=("Mali", "Chile")), "capital is locked to different values in rows of Mali"),
    (do.JoinRows(rows=("Chile", "Mali")), "capital is locked to different values in rows of Chile"),
    (do.JoinRows(rows=("Chile", "Peru"), into="x" * 900), "at most 400 characters"),
]


@pytest.mark.requirement("table.refusals")
@pytest.mark.parametrize(("operation", "words"), REFUSED)
def test_what_cannot_be_done_says_why_and_nothing_is_done(
    operation: do.Operation, words: str
) -> None:
    merge = found(ONE, CHILE, PERU, ("Mali", "", "", ""), missing=["Laos"])
    edited(merge, set_cell("Chile", "capital", "Santiago"),
           *(set_cell("Mali", name, "") for name in ("capital", "area", "status")))  # fmt: skip
    before = merge.tables.copy()
    with pytest.raises(OpenswarmError) as refused:
        plan_edit([do.RetryRow(row="Peru"), operation], merge.tables)
    assert words in str(refused.value)
    assert merge.tables.copy() == before


@pytest.mark.requirement("table.refusals")
@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (do.RetryRow(row="Chile"), "'Chile' does not name a row; a row is named country / year"),
        (do.RetryRow(row="Chile / 2024 / 1"), "does not name a row"),
        (do.RetryRow(row="Chile / "), "does not name a row"),
        (do.RetryRow(row="Chile / 2025"), "no row 'Chile / 2025'; there are Chile / 2024"),
        (do.AddRows(rows=("Chile / soon",)), "year: 'soon' is not a number; write it in digits"),
        (do.AddRows(rows=("Chile / 2,024",)), "there is a row Chile / 2,024 already"),
        (do.JoinRows(rows=("Chile / 2024", "Peru / 2024"), into="A / soon"), "year: 'soon' is not"),
        (do.SplitRow(row="Chile / 2024", into=("A", "B")), "'A' does not name a row"),
    ],
)
def test_a_row_with_two_names_is_named_by_both(operation: do.Operation, words: str) -> None:
    with pytest.raises(UserError) as refused:
        plan_edit([operation], found(TWO, ("Chile", "2024", "1"), ("Peru", "2024", "1")).tables)
    assert words in str(refused.value)


@pytest.mark.requirement("table.refusals")
def test_without_a_table_or_an_operation_there_is_nothing_to_edit() -> None:
    with pytest.raises(UserError, match="the run has no table"):
        plan_edit([do.Complete()], TableFold())
    with pytest.raises(UserError, match="no operation given"):
        plan_edit([], found(ONE).tables)
    with pytest.raises(UserError, match=r"join_rows: .*rows: Tuple should have at least 2 items"):
        do.make_operation(op="join_rows", rows=("Chile",))

"""What of a table is there and what is missing, and how what is missing is worked on again."""

from collections.abc import Sequence

import pytest

from openswarm.core import operations as do
from openswarm.core.columns import parse_columns
from openswarm.core.contract import KEY_SEPARATOR, Alias, Column, Contract
from openswarm.core.errors import UserError
from openswarm.core.events import Content, GenerationStarted, RunStarted, TaskAssigned, Undone
from openswarm.core.result import Report
from openswarm.core.table import Cell, Row
from openswarm.core.task import Task
from openswarm.journal.journal import MemoryJournal
from openswarm.journal.tables import TableFold
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.swarm.coverage import Coverage, coverage_of
from openswarm.swarm.edits import plan_edit
from openswarm.swarm.follow_up import gaps
from openswarm.swarm.merge import TableMerge
from swarm_scripts import Swarm, assigned, batch, brief, calls, hand_in, scripted

ONE = parse_columns("country; capital; area (number, km2, required)")
TWO = parse_columns("country; year (number); gdp (number)", ["country", "year"])
CHILE, PERU, MALI = ("Chile", "Santiago", "756102"), ("Peru", "Lima", ""), ("Mali", "", "")
WHOLE = ("capital", "area")


def found(
    contract: Contract, *rows: Sequence[str], items: Sequence[str] = (), missing: Sequence[str] = ()
) -> TableMerge:
    """A finished table: `items` were assigned, by default its rows, and nothing came of others."""
    journal = MemoryJournal()
    task = Task(text="t", contract=contract)
    journal.append(RunStarted(task=task, model="", subagent_model="", openswarm=""))
    own = items or [KEY_SEPARATOR.join(row[: len(contract.key)]) for row in rows]
    for number, item in enumerate([*own, *missing], 1):
        agent = f"root/{number}"
        journal.append(TaskAssigned(agent=agent, item=item, system=Content(), brief=Content()))
    merge = TableMerge(journal, contract)
    merge.restore(journal.events())
    for number, row in enumerate(rows, 1):
        merge.add(number, report(number, contract, row))
    return merge


def report(number: int, contract: Contract, values: Sequence[str]) -> Report:
    """The report of the sub-agent of that number."""
    agent = f"root/{number}"
    cells = {
        name: Cell(value=value, agent=agent, state="filled" if value else "empty")
        for name, value in zip(contract.names, values, strict=True)
    }
    return Report(agent=agent, outcome="completed", rows=(Row(cells=cells),))


def edited(merge: TableMerge, *operations: do.Operation) -> TableMerge:
    """The table after a generation of these operations."""
    changes = plan_edit(operations, merge.tables).changes
    merge.edit(GenerationStarted(number=merge.tables.generations + 1, operations=operations))
    for change in changes:
        merge.edit(change)
    return merge


def work(
    merge: TableMerge, *operations: do.Operation, failed: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Which columns of which rows sub-agents work on."""
    fills = plan_edit(operations, merge.tables, failed).fills
    return {fill.name: fill.columns for fill in fills}


def covered(merge: TableMerge, *done: str) -> Coverage:
    """The coverage of a table that is there."""
    coverage = coverage_of(merge.tables, done)
    assert coverage is not None
    return coverage


# what is there


def test_without_a_contract_there_is_nothing_to_cover() -> None:
    assert coverage_of(TableFold()) is None


@pytest.mark.requirement("table.coverage")
def test_rows_that_were_assigned_and_did_not_come_are_missing() -> None:
    coverage = covered(found(ONE, CHILE, PERU, items=["chile "], missing=["Laos"]))
    assert (coverage.expected, coverage.found, coverage.missing_rows) == (3, 2, ("Laos",))
    assert coverage.missing_cells == 3


@pytest.mark.requirement("table.coverage")
def test_a_row_with_its_key_alone_is_missing() -> None:
    coverage = covered(found(ONE, CHILE, MALI))
    assert (coverage.expected, coverage.found, coverage.missing_rows) == (2, 1, ("Mali",))
    assert [column.missing for column in coverage.columns] == [(), ()]


@pytest.mark.requirement("table.coverage")
def test_where_nothing_but_the_key_is_asked_a_row_is_there_with_it() -> None:
    coverage = covered(found(parse_columns("country"), ("Chile",), missing=["Laos"]))
    assert (coverage.found, coverage.missing_rows, coverage.columns) == (1, ("Laos",), ())
    assert coverage.missing_cells == 0


@pytest.mark.requirement("table.coverage")
def test_each_column_has_its_cells_counted_by_state() -> None:
    merge = edited(
        found(ONE, CHILE, PERU, ("Chile", "Valparaiso", "756102")),
        do.SetCell(row="Peru", column="area", value="1285216"),
        do.SetCell(row="Chile", column="area", value=""),
    )
    capital, area = covered(merge).columns
    assert (capital.found, capital.states, capital.missing) == (2, {"conflict": 1, "filled": 1}, ())
    assert (area.name, area.found, area.states) == ("area", 1, {"locked": 2})
    assert area.missing == ("Chile",)


@pytest.mark.requirement("table.coverage", "table.column-facts")
def test_required_cells_that_are_empty_are_named() -> None:
    coverage = covered(found(ONE, CHILE, PERU, ("Oman", "", "309500"), missing=["Laos"]))
    assert coverage.lacking == ("Peru: area",)
    assert [column.missing for column in coverage.columns] == [("Oman",), ("Peru",)]
    assert coverage.missing_cells == 4


@pytest.mark.requirement("table.coverage", "table.aliases")
def test_a_row_that_came_under_another_of_its_names_is_not_missing() -> None:
    united = Alias(name="United States", others=("USA",))
    one = ONE.model_copy(update={"aliases": (united,)})
    assert covered(found(one, ("United States", "x", "1"), items=["USA"])).expected == 1
    two = TWO.model_copy(update={"aliases": (united,)})
    rows = ("United States", "2024", "1"), ("Peru", "2024", "1")
    coverage = covered(found(two, *rows, items=["USA / 2024", "Peru / 2024"]))
    assert (coverage.expected, coverage.missing_rows) == (2, ())


@pytest.mark.requirement("table.coverage")
def test_of_two_keys_both_count_unless_the_item_named_one() -> None:
    rows = ("Chile", "2023", "1"), ("Chile", "2024", "2")
    merge = found(TWO, *rows, missing=["Chile / 2025"])
    assert covered(merge).missing_rows == ("Chile / 2025",)
    merge = found(TWO, *rows, items=["Chile"], missing=["Peru"])
    assert covered(merge, "chile").missing_rows == ("Peru",)


# after edits


@pytest.mark.requirement("table.coverage", "table.rows-by-hand")
def test_a_row_that_was_removed_is_expected_no_more_under_any_of_its_names() -> None:
    remove = do.RemoveRows(rows=("Peru",))
    assert covered(edited(found(ONE, CHILE, PERU), remove)).expected == 1
    joined = edited(found(ONE, CHILE, PERU), do.JoinRows(rows=("Peru", "Chile")))
    assert covered(joined).expected == 1
    assert covered(edited(joined, remove)).expected == 0
    assert (
        covered(edited(found(TWO, ("A", "1", "2")), do.RemoveRows(rows=("A / 1",)))).expected == 0
    )


@pytest.mark.requirement("table.coverage", "table.rows-by-hand")
def test_a_row_with_another_name_is_not_missing_under_its_old_one() -> None:
    rename = do.SetCell(row="Peru", column="country", value="Piruw")
    coverage = covered(edited(found(ONE, CHILE, PERU, missing=["Laos"]), rename))
    assert (coverage.expected, coverage.missing_rows) == (3, ("Laos",))
    assert coverage.lacking == ("Piruw: area",)


@pytest.mark.requirement("table.coverage", "table.rows-by-hand")
def test_of_a_row_that_was_split_its_parts_are_missing() -> None:
    merge = edited(found(ONE, CHILE, PERU), do.SplitRow(row="Peru", into=("North", "South")))
    coverage = covered(merge)
    assert (coverage.expected, coverage.missing_rows) == (3, ("North", "South"))
    merge.add(9, report(9, ONE, ("North", "Piura", "1")), WHOLE)
    assert covered(merge).missing_rows == ("South",)


@pytest.mark.requirement("table.coverage", "table.columns-by-hand")
def test_columns_are_covered_as_they_stand_now() -> None:
    flag = do.AddColumn(column=Column(name="flag", nullable=False), after="country")
    drop, rename = do.DropColumn(column="area"), do.RenameColumn(column="capital", to="seat")
    coverage = covered(edited(found(ONE, CHILE, PERU), flag, drop, rename))
    assert [(column.name, column.found) for column in coverage.columns] == [
        ("flag", 0),
        ("seat", 2),
    ]
    assert coverage.lacking == ("Chile: flag", "Peru: flag")


@pytest.mark.requirement("table.coverage", "table.undo")
def test_a_row_that_was_expected_before_an_edit_is_expected_after_its_undo() -> None:
    merge = found(ONE, CHILE, PERU, missing=["Laos"])
    before = covered(merge)
    edited(merge, do.RemoveRows(rows=("Peru",)), do.AddRows(rows=("Laos", "Oman")))
    assert covered(merge).missing_rows == ("Laos", "Oman")
    merge.tables.apply(Undone(generation=1))
    assert covered(merge) == before


# what is missing is worked on again


@pytest.mark.anyio
@pytest.mark.requirement("table.complete")
async def test_a_row_of_which_nothing_came_is_worked_on_once_more_in_the_same_run() -> None:
    def find(request: Request) -> Say:
        text = brief(request)
        return Say("Nothing. " * 40) if "Laos" in text else hand_in(capital="Santiago", area="1")

    model = scripted([calls(batch(["Chile", "Laos"])), Say("Done.")], researcher=find)
    swarm = Swarm(model, columns=ONE, complete=True)
    result = await swarm.run()
    asked = [(event.item, event.reason) for event in assigned(swarm)]
    assert asked == [("Chile", ""), ("Laos", ""), ("Laos", "complete")]
    assert (result.outcome, result.why) == ("partial", "1 row is missing: Laos")


@pytest.mark.requirement("table.complete")
def test_gaps_are_missing_rows_whole_and_empty_cells_alone() -> None:
    merge = found(ONE, CHILE, PERU, MALI, missing=["Laos"])
    fills = {fill.name: fill.columns for fill in gaps(merge)}
    assert fills == {"Laos": (), "Mali": (), "Peru": ("area",)}


@pytest.mark.requirement("table.complete")
def test_the_operation_asks_for_what_is_missing_and_not_locked() -> None:
    merge = found(ONE, CHILE, PERU, MALI, missing=["Laos"])
    assert work(merge, do.Complete()) == {"Peru": ("area",), "Mali": WHOLE, "Laos": WHOLE}
    edited(merge, do.SetCell(row="Peru", column="area", value="n/a"))
    assert work(merge, do.Complete()) == {"Mali": WHOLE, "Laos": WHOLE}


@pytest.mark.requirement("table.complete", "table.refusals")
def test_where_nothing_is_missing_there_is_nothing_to_complete() -> None:
    for merge in (found(ONE, CHILE), found(TWO, ("Chile", "2024", "1"), items=["Chile"])):
        with pytest.raises(UserError, match="nothing is missing: every row is there"):
            plan_edit([do.Complete()], merge.tables)


@pytest.mark.requirement("table.retry")
def test_a_missing_row_is_worked_on_again_and_gets_its_name() -> None:
    merge, retry = found(ONE, CHILE, missing=["Laos"]), do.RetryRow(row="laos.")
    (fill,) = plan_edit([retry], merge.tables).fills
    assert (fill.key, fill.reason) == (("Laos",), "retry")
    edited(merge, retry).add(3, report(3, ONE, ("Laos", "Vientiane", "")), fill.columns)
    assert [row.name(ONE) for row in merge.tables.rows] == ["Chile", "Laos"]
    assert covered(merge).missing_rows == ()


@pytest.mark.requirement("table.retry")
def test_a_missing_row_that_is_asked_for_twice_is_asked_for_all_columns() -> None:
    merge = found(ONE, CHILE, missing=["Laos"])
    again, flag = do.RetryRow(row="Laos"), do.AddColumn(column=Column(name="flag"))
    assert work(merge, again, flag, again)["Laos"] == (*WHOLE, "flag")


@pytest.mark.requirement("table.retry")
def test_failed_rows_are_those_that_are_missing_and_those_that_failed_and_are_still_there() -> None:
    merge, failed = found(ONE, CHILE, PERU, missing=["Laos"]), ["Peru", "Chile", "Laos"]
    remove, retry = do.RemoveRows(rows=("Chile",)), do.RetryFailed()
    assert work(merge, remove, retry, failed=failed) == {"Peru": WHOLE, "Laos": WHOLE}
    assert work(edited(merge, remove), retry, failed=failed) == {"Peru": WHOLE, "Laos": WHOLE}
    two = found(TWO, ("Chile", "2024", "1"), ("Chile", "2025", "1"))
    assert work(two, retry, failed=["Chile / 2024"]) == {"Chile / 2024": ("gdp",)}


@pytest.mark.requirement("table.retry", "table.refusals")
def test_where_no_row_failed_there_is_none_to_retry() -> None:
    two = found(TWO, ("Chile", "2024", "1"), items=["Chile"], missing=["Peru"])
    for merge, failed in ((found(ONE, CHILE), []), (two, ["Chile", "Peru"])):
        with pytest.raises(UserError, match="name the row: --row"):
            plan_edit([do.RetryFailed()], merge.tables, failed)

"""How different values for one cell are settled, and when rows of several names are one."""

from collections.abc import Sequence
from operator import itemgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core import operations as do
from openswarm.core.columns import parse_columns
from openswarm.core.contract import Alias, Contract
from openswarm.core.events import (
    ConflictFound,
    Content,
    GenerationStarted,
    ReportReceived,
    RunStarted,
    TaskAssigned,
)
from openswarm.core.normalise import normalise
from openswarm.core.result import Report
from openswarm.core.table import Cell, CellState, Conflict, ConflictPolicy, Row
from openswarm.core.task import Task
from openswarm.journal.fold import fold
from openswarm.journal.journal import MemoryJournal
from openswarm.swarm.edits import plan_edit
from openswarm.swarm.follow_up import disputes
from openswarm.swarm.merge import BOTH, FIRST, RULE, TableMerge
from openswarm.swarm.rows import JOINED
from swarm_scripts import of

NAMES = parse_columns("country; capital; area (number, km2); status (enum, open|closed)")
USA = Alias(name="United States", others=("USA", "U.S."))
ALIASED = NAMES.model_copy(update={"aliases": (USA,)})
POLICIES: tuple[ConflictPolicy, ...] = ("majority", "first", "keep-both", "recheck")


def begun(
    policy: ConflictPolicy = "majority", contract: Contract = NAMES, rows: Sequence[Row] = ()
) -> TableMerge:
    """A run with a table of which nothing is there but given rows."""
    journal = MemoryJournal()
    task = Task(text="t", contract=contract, conflicts=policy, rows=tuple(rows))
    journal.append(RunStarted(task=task, model="", subagent_model="", openswarm=""))
    merge = TableMerge(journal, contract, policy)
    merge.restore(journal.events())
    return merge


def row(
    number: int, country: str, capital: str = "", state: CellState = "filled", **more: str
) -> Row:
    """A row as the sub-agent of that number hands it in."""
    agent = f"root/{number}"
    values = {"country": country, "capital": capital, "area": "", "status": ""} | more
    return Row(cells={
        name: Cell(value=value, quote=f"{agent}: {value}", agent=agent, state=state)
        if value else Cell(agent=agent)
        for name, value in values.items()
    })  # fmt: skip


def hand_in(
    merge: TableMerge, *rows: Row, columns: tuple[str, ...] = (), decides: bool = False
) -> None:
    """Reports of sub-agents, one for each row, numbered as the rows are."""
    for made in rows:
        agent = made.cells["country"].agent
        number = int(agent.rpartition("/")[2])
        report = Report(agent=agent, outcome="completed", rows=(made,))
        reason = "recheck" if decides else ""
        merge.journal.append(TaskAssigned(
            agent=agent, columns=columns, reason=reason, system=Content(), brief=Content(),
        ))  # fmt: skip
        merge.journal.append(ReportReceived(agent=agent, outcome="completed", rows=report.rows))
        merge.add(number, report, columns, decides=decides)


def edit(merge: TableMerge, *operations: do.Operation) -> None:
    """A generation of these operations."""
    changes = plan_edit(operations, merge.tables).changes
    merge.edit(GenerationStarted(number=merge.tables.generations + 1, operations=operations))
    for change in changes:
        merge.edit(change)


def capitals(policy: ConflictPolicy, *values: str) -> TableMerge:
    """What a policy makes of these values of sub-agents, in the order of assignment."""
    merge = begun(policy)
    hand_in(merge, *(row(n, "Chile", value) for n, value in enumerate(values, 1)))
    return merge


def cell(merge: TableMerge, column: str = "capital") -> Cell:
    """The cell of the only row."""
    (entry,) = merge.tables.rows
    return entry.cells[column]


def conflict(merge: TableMerge) -> Conflict:
    """The only conflict."""
    (entry,) = merge.tables.conflicts.values()
    return entry


def others(merge: TableMerge) -> list[str]:
    """The values of the only conflict that are not kept."""
    return [entry.value for entry in conflict(merge).others]


# policies


@pytest.mark.requirement("table.policies")
@pytest.mark.parametrize(
    ("policy", "value", "state", "rule"),
    [
        ("majority", "Santiago", "filled", RULE),
        ("first", "Lima", "filled", FIRST),
        ("keep-both", "Lima | Santiago", "conflict", BOTH),
        ("recheck", "Santiago", "conflict", RULE),
    ],
)
def test_each_policy_settles_two_against_one(
    policy: ConflictPolicy, value: str, state: str, rule: str
) -> None:
    merge = capitals(policy, "Lima", "Santiago", "Santiago")
    assert (cell(merge).value, cell(merge).state, conflict(merge).rule) == (value, state, rule)
    assert conflict(merge).kept == cell(merge)
    assert others(merge) == ["Lima" if value == "Santiago" else "Santiago"]


@pytest.mark.requirement("table.policies")
@pytest.mark.parametrize(
    ("policy", "value", "state"),
    [
        ("majority", "Lima", "conflict"),
        ("first", "Lima", "filled"),
        ("keep-both", "Lima | Santiago | Cusco", "conflict"),
        ("recheck", "Lima", "conflict"),
    ],
)
def test_of_three_values_all_are_kept_with_their_evidence(
    policy: ConflictPolicy, value: str, state: str
) -> None:
    merge = capitals(policy, "Lima", "Santiago", "Cusco")
    assert (cell(merge).value, cell(merge).state) == (value, state)
    quotes = [entry.quote for entry in conflict(merge).others]
    assert [cell(merge).quote, *quotes] == ["root/1: Lima", "root/2: Santiago", "root/3: Cusco"]


@pytest.mark.requirement("table.policies", "table.confidence")
def test_what_is_disputed_is_of_low_confidence() -> None:
    found = [cell(capitals(policy, "Lima", "Cusco")).confidence for policy in POLICIES]
    assert found == ["low", "", "low", "low"]


@pytest.mark.requirement("table.policies", "swarm.normalise")
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("column", "one", "same"),
    [("area", normalise("1,000", NAMES.column("area")).value, "1000"), ("area", "1e3", "1000.0"),
     ("capital", "New  York", "new york."), ("capital", "Côte d’Ivoire", "côte d'ivoire"),
     ("status", "open", normalise("OPEN", NAMES.column("status")).value)],
)  # fmt: skip
def test_one_value_in_two_spellings_is_no_conflict(
    policy: ConflictPolicy, column: str, one: str, same: str
) -> None:
    merge = begun(policy)
    hand_in(merge, row(1, "Chile", **{column: one}), row(2, "Chile", **{column: same}))
    assert (cell(merge, column).value, cell(merge, column).state) == (one, "filled")
    assert not merge.tables.conflicts


@pytest.mark.requirement("table.policies")
def test_a_number_is_compared_by_what_it_is_and_an_option_by_its_name() -> None:
    merge = begun()
    hand_in(merge, row(1, "Chile", area="1000", status="open"))
    hand_in(merge, row(2, "Chile", area="1000.5", status="closed"))
    assert {column for _, column in merge.tables.conflicts} == {"area", "status"}


@pytest.mark.requirement("table.policies")
def test_evidence_does_not_outvote_but_stands_for_its_value() -> None:
    merge = begun()
    bare = row(1, "Chile", "Lima", state="unverified"), row(2, "Chile", "lima", state="filled")
    hand_in(merge, *bare, row(3, "Chile", "Santiago"))
    assert (cell(merge).value, cell(merge).agent) == ("lima", "root/2")


@pytest.mark.requirement("table.policies")
@pytest.mark.parametrize("policy", POLICIES)
def test_an_empty_value_disputes_nothing(policy: ConflictPolicy) -> None:
    merge = capitals(policy, "", "Lima", "")
    assert (cell(merge).value, cell(merge).state) == ("Lima", "filled")
    assert not merge.tables.conflicts


@pytest.mark.requirement("table.policies")
def test_each_decision_is_an_event_and_what_decides_nothing_new_is_none() -> None:
    merge = capitals("majority", "Lima", "Santiago", "Santiago", "Cusco")
    decided = of(merge.journal.events(), ConflictFound)
    assert [(e.agent, e.kept.value, e.other.value, [c.value for c in e.more]) for e in decided] == [
        ("root/2", "Lima", "Santiago", []),
        ("root/3", "Santiago", "Lima", []),
        ("root/4", "Santiago", "Lima", ["Cusco"]),
    ]
    hand_in(merge, row(5, "Chile", "Santiago"))
    assert len(of(merge.journal.events(), ConflictFound)) == 3
    assert fold(merge.journal.events()).table == merge.table()


# rechecks


def rechecked(verdict: str, *claims: str) -> TableMerge:
    """Sub-agents disagree, and one more sees what they found."""
    merge = capitals("recheck", *claims)
    (fill,) = disputes(merge)
    assert (fill.key, fill.columns, fill.reason) == (("Chile",), ("capital",), "recheck")
    hand_in(merge, row(9, "Chile", verdict), columns=fill.columns, decides=True)
    return merge


@pytest.mark.requirement("table.recheck", "table.policies")
@pytest.mark.parametrize(
    ("verdict", "not_kept"),
    [("santiago", ["Lima"]), ("Lima", ["Santiago"]), ("Valparaiso", ["Lima", "Santiago"])],
)
def test_a_verdict_stands_whichever_side_it_takes(verdict: str, not_kept: list[str]) -> None:
    merge = rechecked(verdict, "Lima", "Santiago", "Lima")
    assert (cell(merge).value, cell(merge).state, cell(merge).agent) == (
        verdict,
        "filled",
        "root/9",
    )
    assert (others(merge), conflict(merge).rule) == (not_kept, "root/9 looked at both again")
    assert disputes(merge) == []
    assert of(merge.journal.events(), ConflictFound)[-1].kept == cell(merge)


@pytest.mark.requirement("table.recheck", "table.policies")
def test_a_verdict_that_is_empty_leaves_the_dispute_as_it_was() -> None:
    before, merge = capitals("recheck", "Lima", "Cusco"), rechecked("", "Lima", "Cusco")
    assert (cell(merge), conflict(merge)) == (cell(before), conflict(before))


@pytest.mark.requirement("table.recheck")
def test_what_is_not_disputed_is_not_rechecked() -> None:
    assert disputes(capitals("recheck", "Lima", "lima", "")) == []
    merge = capitals("majority", "Lima", "Santiago", "Lima")
    assert (len(merge.tables.conflicts), disputes(merge)) == (1, [])


# work on a disputed cell


@pytest.mark.requirement("table.policies", "table.retry")
@pytest.mark.parametrize("policy", POLICIES)
def test_a_conflict_is_over_when_its_cell_is_worked_on_again(policy: ConflictPolicy) -> None:
    merge = capitals(policy, "Lima", "Santiago")
    edit(merge, do.RetryCell(row="Chile", column="capital"))
    hand_in(merge, row(3, "Chile"), columns=("capital",))
    assert others(merge) == ["Santiago"]
    hand_in(merge, row(4, "Chile", "Lima"), columns=("capital",))
    assert (cell(merge).value, cell(merge).state) == ("Lima", "filled")
    assert not merge.tables.conflicts
    assert fold(merge.journal.events()).table == merge.table()


@pytest.mark.requirement("table.policies", "table.locked")
def test_sub_agents_that_disagree_on_what_is_locked_make_no_conflict() -> None:
    merge = capitals("keep-both", "Lima", "Santiago")
    edit(merge, do.SetCell(row="Chile", column="capital", value="Valparaiso"))
    hand_in(merge, row(3, "Chile", "Lima"), row(4, "Chile", "Cusco"))
    assert (cell(merge).value, cell(merge).state) == ("Valparaiso", "locked")
    assert not merge.tables.conflicts


@pytest.mark.requirement("table.policies", "swarm.merge")
@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(POLICIES))
def test_the_order_of_reports_changes_nothing_whatever_the_policy(
    data: st.DataObject, policy: ConflictPolicy
) -> None:
    values = st.sampled_from(["", "A", "a", "B", "C"])
    numbers = st.sampled_from(["", "1", "1.0", "2"])
    names = st.sampled_from(["USA", "united states", "Chile", "Peru"])
    given_row = Row(cells=row(0, "Peru", "A").cells | {"area": Cell(value="7", state="locked")})
    columns = st.sampled_from([(), ("capital",), ("capital", "area")])
    more = st.lists(st.tuples(st.booleans(), names, values, numbers, columns), max_size=7)
    first = [(False, name, "", "", ()) for name in ("USA", "Chile")]
    reports = list(enumerate([*first, *sorted(data.draw(more), key=itemgetter(0))], 1))
    tables = []
    for order in (reports, data.draw(st.permutations(reports))):
        merge = begun(policy, ALIASED, [given_row])
        for n, (decides, name, capital, area, asked) in order:
            made = row(n, name, capital, area=area)
            hand_in(merge, made, columns=asked, decides=decides and policy == "recheck")
        restored = TableMerge(MemoryJournal(), ALIASED, policy)
        restored.restore(merge.journal.events())
        assert fold(merge.journal.events()).table == merge.table() == restored.table()
        assert not restored.journal.events()
        tables.append(merge.table())
    assert tables[0] == tables[1]


# several names of one row


@pytest.mark.requirement("table.aliases")
def test_rows_of_any_name_are_one_row_under_the_name_that_was_assigned_first() -> None:
    merge = begun(contract=ALIASED)
    hand_in(merge, row(2, "United States", "Washington"), row(1, "u.s", area="9833517"))
    hand_in(merge, row(3, "USA", "New York"), row(4, "usa", "washington"))
    (entry,) = merge.tables.rows
    assert list(entry.values().values()) == ["u.s", "Washington", "9833517", ""]
    assert (conflict(merge).key, others(merge)) == (("united states",), ["New York"])


@pytest.mark.requirement("table.aliases")
def test_an_operation_may_call_a_row_by_any_of_its_names() -> None:
    merge = begun(contract=ALIASED)
    hand_in(merge, row(1, "United States", "Washington"))
    edit(merge, do.SetCell(row="U.S.", column="capital", value="New York"))
    edit(merge, do.SetCell(row="usa", column="country", value="USA"))
    (entry,) = merge.tables.rows
    assert [entry.cells[name].value for name in ("country", "capital")] == ["USA", "New York"]


@pytest.mark.requirement("table.aliases", "table.rows-by-hand")
@pytest.mark.parametrize("into", ["", "Chile", "Republic", "Chile proper"])
def test_after_a_join_a_report_on_any_of_the_names_goes_into_the_one_row(into: str) -> None:
    merge = begun()
    hand_in(merge, row(1, "Chile", "Santiago"), row(2, "Republic", area="1"))
    edit(merge, do.JoinRows(rows=("Chile", "Republic"), into=into))
    for number, name in enumerate(["Chile", "republic", into or "CHILE"], 3):
        hand_in(merge, row(number, name, status="open"), columns=("status",))
    (entry,) = merge.tables.rows
    values = list(entry.values().values())
    assert values == [into or "Chile", "Santiago", "1", "open"]


@pytest.mark.requirement("table.aliases", "table.rows-by-hand")
def test_a_row_that_was_joined_may_be_joined_again_and_keeps_all_of_its_names() -> None:
    merge = begun(contract=ALIASED)
    for number, name in enumerate(["USA", "Chile", "Republic", "Andes"], 1):
        hand_in(merge, row(number, name, "A"))
    edit(merge, do.JoinRows(rows=("Republic", "Chile"), into="Chile"))
    edit(merge, do.JoinRows(rows=("Chile", "Andes"), into="Andes"))
    edit(merge, do.JoinRows(rows=("Andes", "United States"), into="America"))
    for number, name in enumerate(
        ["Republic", "Chile", "Andes", "USA", "U.S.", "United States"], 5
    ):
        hand_in(merge, row(number, name, "B"), columns=("capital",))
    assert cell(merge).value == "B"


@pytest.mark.requirement("table.aliases", "table.rows-by-hand")
def test_rows_with_two_names_are_joined_without_making_their_parts_one() -> None:
    contract = parse_columns("country; year (number); gdp", ["country", "year"])
    rows = [Row(cells=dict.fromkeys(contract.names, Cell(value=value))) for value in ("1", "2")]
    merge = begun(contract=contract, rows=rows)
    edit(merge, do.JoinRows(rows=("1 / 1", "2 / 2")))
    assert merge.contract == contract
    assert [entry.name(contract) for entry in merge.tables.rows] == ["1 / 1"]


@pytest.mark.requirement("table.rows-by-hand", "swarm.conflicts")
def test_rows_become_one_and_what_they_differ_in_is_a_conflict() -> None:
    merge = begun()
    hand_in(merge, row(1, "Chile", "Santiago", area="756102", status="open"))
    hand_in(merge, row(2, "Republic", "santiago", area="756096"))
    edit(merge, do.JoinRows(rows=("Republic", "Chile"), into="Chile"))
    (entry,) = merge.tables.rows
    assert list(entry.values().values()) == ["Chile", "santiago", "756096", "open"]
    area = cell(merge, "area")
    assert (area.state, area.confidence, area.agent) == ("conflict", "low", "root/2")
    assert (conflict(merge).key, conflict(merge).column) == (("chile",), "area")
    assert (conflict(merge).kept, conflict(merge).rule) == (area, JOINED)
    assert conflict(merge).others[0].quote == "root/1: 756102"


@pytest.mark.requirement("table.rows-by-hand", "swarm.conflicts", "table.untouched")
@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (do.JoinRows(rows=("Chile", "Peru")), "chile"),
        (do.JoinRows(rows=("Peru", "Chile"), into="Andes"), "andes"),
        (do.SetCell(row="Chile", column="country", value="Republic"), "republic"),
    ],
)
def test_a_conflict_goes_with_its_row(operation: do.Operation, name: str) -> None:
    merge = capitals("majority", "Santiago", "Lima")
    hand_in(merge, row(3, "Peru"))
    was = conflict(merge)
    edit(merge, operation)
    assert merge.tables.conflicts == {((name,), "capital"): was.model_copy(update={"key": (name,)})}

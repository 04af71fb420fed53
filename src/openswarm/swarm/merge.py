"""The table of a run: rows of reports are merged by key, conflicts settled and kept on record.

What a cell becomes depends on the set of its candidates alone, not on the order in which reports
arrive. A generation starts from the table as it stood: only cells that its sub-agents were asked
for change, and locked ones never.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from openswarm.core.contract import Column, Contract
from openswarm.core.errors import ContractError
from openswarm.core.events import (
    AnyEvent,
    ConflictFound,
    ContractDeclared,
    Edited,
    GenerationStarted,
    ReportReceived,
    RowsMerged,
    TaskAssigned,
    Undone,
)
from openswarm.core.normalise import same_value
from openswarm.core.result import Report
from openswarm.core.table import Cell, ConflictPolicy, Key, Place, Row, Table
from openswarm.journal.journal import Journal
from openswarm.journal.tables import TableFold
from openswarm.swarm.assignment import number_of

RULE = "majority, then first assigned"
FIRST = "first assigned"
BOTH = "both are kept"
ASKED_AGAIN = "{agent} looked at both again"
BETWEEN = " | "
"""What stands between values of which both are kept."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A row as it was handed in, and what its sub-agent was asked for."""

    row: Row
    columns: tuple[str, ...] = ()
    decides: bool = False
    """It saw what others had found, and had to settle it."""

    def answers(self, column: str) -> bool:
        return not self.columns or column in self.columns


@dataclass(slots=True)
class TableMerge:
    """The contract of a run and what came in for it."""

    journal: Journal
    contract: Contract | None = None
    policy: ConflictPolicy = "majority"
    tables: TableFold = field(default_factory=TableFold)
    _candidates: dict[Key, dict[Place, _Candidate]] = field(default_factory=dict)
    """What reports of this generation brought."""

    def __post_init__(self) -> None:
        self.tables.contract = self.tables.contract or self.contract

    def declare(self, contract: Contract) -> None:
        """Freezes the contract. Raises `ContractError` when there is another one already."""
        if self.contract == contract:
            return
        if self.contract is not None:
            raise ContractError("the table is declared already and its columns are frozen")
        self._append(ContractDeclared(contract=contract, by="orchestrator"))

    def table(self) -> Table | None:
        """The table as it stands, rows in the order of assignment."""
        return self.tables.table

    def add(
        self,
        number: int,
        report: Report,
        columns: tuple[str, ...] = (),
        *,
        decides: bool = False,
    ) -> None:
        """Takes the rows of the assignment of that number, which was asked for these columns."""
        if self.contract is None or not report.rows:
            return
        self._take(number, report.rows, columns, decides=decides)
        keys = dict.fromkeys(row.key(self.contract) for row in report.rows)
        self._update(keys, report.agent)

    def expect(self, event: TaskAssigned) -> None:
        """Learns of an assignment: what it is about is a row that the table should have."""
        self.tables.apply(event)

    def edit(self, event: Edited | GenerationStarted) -> None:
        """Journals a change by hand; what reports brought before it counts no more."""
        self._append(event)
        self._candidates.clear()

    def restore(self, events: Iterable[AnyEvent]) -> None:
        """Takes back what an earlier process had merged, and finishes what it had begun."""
        asked: dict[str, TaskAssigned] = {}
        for event in events:
            self.tables.apply(event)
            self.contract = self.tables.contract
            match event:
                case TaskAssigned():
                    asked[event.agent] = event
                case ReportReceived():
                    own = asked.get(event.agent)
                    columns = own.columns if own else ()
                    decides = own is not None and own.reason == "recheck"
                    self._take(number_of(event.agent), event.rows, columns, decides=decides)
                case GenerationStarted() | Edited() | Undone():
                    self._candidates.clear()
                case _:
                    pass
        self._update(self._candidates, "root")

    def _append(self, event: AnyEvent) -> None:
        self.tables.apply(self.journal.append(event))
        self.contract = self.tables.contract

    def _take(
        self, number: int, rows: Iterable[Row], columns: tuple[str, ...], *, decides: bool
    ) -> None:
        if self.contract is None:
            return
        for position, row in enumerate(rows):
            whole = row.reshaped(self.contract, {})
            candidate = _Candidate(whole, columns, decides)
            self._candidates.setdefault(whole.key(self.contract), {})[number, position] = candidate

    def _update(self, keys: Iterable[Key], agent: str) -> None:
        """Settles these rows anew and journals the ones that are not what they were."""
        settled = {key: self._settle(key, agent) for key in keys}
        placed = self.tables.placed
        changed = {
            key: row for key, row in settled.items() if key not in placed or placed[key].row != row
        }
        if changed:
            places = tuple(self._place(key) for key in changed)
            self._append(RowsMerged(agent=agent, rows=tuple(changed.values()), places=places))

    def _place(self, key: Key) -> Place:
        base = self.tables.base.get(key)
        return base.place if base else min(self._candidates[key])

    def _settle(self, key: Key, agent: str) -> Row:
        assert self.contract is not None
        candidates = [candidate for _, candidate in sorted(self._candidates[key].items())]
        base = self.tables.base.get(key)
        cells: dict[str, Cell] = {}
        for column in self.contract.columns:
            name = column.name
            stands = base.row.cells[name] if base else None
            if stands is not None and (stands.state == "locked" or name in self.contract.key):
                cells[name] = stands
                continue
            in_key = name in self.contract.key
            offered = [c for c in candidates if in_key or c.answers(name)]
            cell = self._settle_cell(key, column, offered, agent)
            cells[name] = stands if stands is not None and not cell.value else cell
        return Row(cells=cells)

    def _settle_cell(
        self, key: Key, column: Column, offered: Sequence[_Candidate], agent: str
    ) -> Cell:
        """The cell that these candidates come to: the first one's, unless they disagree."""
        assert self.contract is not None
        claims = [c.row.cells[column.name] for c in offered if not c.decides]
        given = [cell for cell in claims if cell.value]
        verdicts = [c.row.cells[column.name] for c in offered if c.decides]
        verdict = next((cell for cell in reversed(verdicts) if cell.value), None)
        if column.name in self.contract.key:
            return given[0] if given else verdict or Cell()
        groups = _by_value(given, column)
        if verdict is None and len(groups) <= 1:
            return _best(groups[0]) if groups else (claims[0] if claims else Cell())
        kept, others, rule = self._decide(groups, verdict, column)
        if others:
            self._note_conflict(key, column.name, kept, others, rule, agent)
        return kept

    def _decide(
        self, groups: list[list[Cell]], verdict: Cell | None, column: Column
    ) -> tuple[Cell, list[Cell], str]:
        """What stands in the table, what others said, and the rule that settled it."""
        if verdict is not None:
            others = [_best(g) for g in groups if not same_value(g[0].value, verdict.value, column)]
            return verdict, others, ASKED_AGAIN.format(agent=verdict.agent)
        if self.policy == "first":
            return _best(groups[0]), [_best(group) for group in groups[1:]], FIRST
        if self.policy == "keep-both":
            best = [_best(group) for group in groups]
            joined = BETWEEN.join(cell.value for cell in best)
            return _disputed(best[0]).model_copy(update={"value": joined}), best[1:], BOTH
        ranked = sorted(groups, key=_num_agents, reverse=True)
        kept, others = _best(ranked[0]), [_best(group) for group in ranked[1:]]
        is_tie = _num_agents(ranked[0]) == _num_agents(ranked[1])
        return _disputed(kept) if is_tie or self.policy == "recheck" else kept, others, RULE

    def _note_conflict(
        self, key: Key, column: str, kept: Cell, others: Sequence[Cell], rule: str, agent: str
    ) -> None:
        """Journals a conflict, and again when a later report settles it otherwise."""
        known = self.tables.conflicts.get((key, column))
        if known is not None and (known.kept, known.others) == (kept, tuple(others)):
            return
        self._append(
            ConflictFound(
                agent=agent,
                key=key,
                column=column,
                kept=kept,
                other=others[0],
                more=tuple(others[1:]),
                rule=rule,
            )
        )


def _by_value(cells: Iterable[Cell], column: Column) -> list[list[Cell]]:
    """The cells in groups of one value, in the order in which the values were first assigned."""
    groups: list[list[Cell]] = []
    for cell in cells:
        for group in groups:
            if same_value(group[0].value, cell.value, column):
                group.append(cell)
                break
        else:
            groups.append([cell])
    return groups


def _best(cells: Sequence[Cell]) -> Cell:
    """Of cells with one value the first that has evidence."""
    return next((cell for cell in cells if cell.state == "filled"), cells[0])


def _disputed(cell: Cell) -> Cell:
    return cell.model_copy(update={"state": "conflict", "confidence": "low"})


def _num_agents(cells: Iterable[Cell]) -> int:
    """One sub-agent has one vote, however often it hands in a row."""
    return len({cell.agent for cell in cells})

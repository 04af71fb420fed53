"""The table of a run: rows of reports are merged by key, conflicts settled and kept on record.

What a row becomes depends on the set of its candidates alone, not on the order in which reports
arrive: the value that most sub-agents gave, and among equals the one assigned first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from openswarm.core.contract import Contract
from openswarm.core.errors import ContractError
from openswarm.core.events import (
    ROOT,
    AnyEvent,
    ConflictFound,
    ContractDeclared,
    ReportReceived,
    RowsMerged,
)
from openswarm.core.result import Report
from openswarm.core.table import Cell, Row, Table, fold_key
from openswarm.journal.fold import RunView
from openswarm.journal.journal import Journal
from openswarm.swarm.assignment import number_of

RULE = "majority, then first assigned"
Key = tuple[str, ...]
Place = tuple[int, int]


@dataclass(slots=True)
class TableMerge:
    """The contract of a run and what came in for it."""

    journal: Journal
    contract: Contract | None = None
    _candidates: dict[Key, dict[Place, Row]] = field(default_factory=dict)
    _rows: dict[Key, Row] = field(default_factory=dict)
    _conflicts: dict[tuple[Key, str], tuple[Cell, Cell]] = field(default_factory=dict)
    """By cell: what was kept against what, as it was journalled last."""

    def declare(self, contract: Contract) -> None:
        """Freezes the contract. Raises `ContractError` when there is another one already."""
        if self.contract == contract:
            return
        if self.contract is not None:
            raise ContractError("the table is declared already and its columns are frozen")
        self.contract = contract
        self.journal.append(ContractDeclared(contract=contract, by="orchestrator"))

    def table(self) -> Table | None:
        """The table as it stands, rows in the order of assignment."""
        if self.contract is None:
            return None
        placed = sorted(self._rows, key=lambda key: min(self._candidates[key]))
        return Table(contract=self.contract, rows=tuple(self._rows[key] for key in placed))

    def has_row_for(self, item: str) -> bool:
        """Whether the table has a row with this key."""
        return (fold_key(item),) in self._rows

    def add(self, number: int, report: Report) -> None:
        """Takes the rows of the assignment of that number."""
        if self.contract is None or not report.rows:
            return
        self._take(number, report.rows)
        keys = dict.fromkeys(row.key(self.contract) for row in report.rows)
        self._update(keys, report.agent)

    def _take(self, number: int, rows: Iterable[Row]) -> None:
        assert self.contract is not None
        for position, row in enumerate(rows):
            self._candidates.setdefault(row.key(self.contract), {})[number, position] = row

    def _update(self, keys: Iterable[Key], agent: str) -> None:
        """Settles these rows anew and journals the ones that are not what they were."""
        settled = {key: self._settle(key, agent) for key in keys}
        changed = {key: row for key, row in settled.items() if self._rows.get(key) != row}
        self._rows.update(changed)
        if changed:
            places = tuple(min(self._candidates[key]) for key in changed)
            self.journal.append(
                RowsMerged(agent=agent, rows=tuple(changed.values()), places=places)
            )

    def restore(self, events: Iterable[AnyEvent], view: RunView) -> None:
        """Takes back what an earlier process had merged."""
        self.contract = view.contract
        if self.contract is None:
            return
        self._rows = {row.key(self.contract): row for row in view.rows}
        self._conflicts = {(c.key, c.column): (c.kept, c.other) for c in view.conflicts}
        for event in events:
            if isinstance(event, ReportReceived):
                self._take(number_of(event.agent), event.rows)
        self._update(self._candidates, ROOT)

    def _settle(self, key: Key, agent: str) -> Row:
        assert self.contract is not None
        rows = [row for _, row in sorted(self._candidates[key].items())]
        cells = {}
        for name in self.contract.names:
            cells[name] = self._settle_cell(key, name, [row.cells[name] for row in rows], agent)
        return Row(cells=cells)

    def _settle_cell(self, key: Key, column: str, cells: list[Cell], agent: str) -> Cell:
        given = [cell for cell in cells if cell.value]
        if not given:
            return cells[0]
        votes: dict[str, list[Cell]] = {}
        for cell in given:
            votes.setdefault(fold_key(cell.value), []).append(cell)
        ranked = sorted(votes.values(), key=_num_agents, reverse=True)
        kept = next((cell for cell in ranked[0] if cell.state == "filled"), ranked[0][0])
        if len(ranked) == 1:
            return kept
        self._note_conflict(key, column, kept, ranked[1][0], agent)
        is_tie = _num_agents(ranked[0]) == _num_agents(ranked[1])
        return kept.model_copy(update={"state": "conflict"}) if is_tie else kept

    def _note_conflict(self, key: Key, column: str, kept: Cell, other: Cell, agent: str) -> None:
        """Journals a conflict, and again when a later report settles it otherwise."""
        if self._conflicts.get((key, column)) != (kept, other):
            self._conflicts[key, column] = (kept, other)
            self.journal.append(
                ConflictFound(
                    agent=agent, key=key, column=column, kept=kept, other=other, rule=RULE
                )
            )


def _num_agents(cells: Iterable[Cell]) -> int:
    """One sub-agent has one vote, however often it hands in a row."""
    return len({cell.agent for cell in cells})

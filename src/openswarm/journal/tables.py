"""The table of a run as a fold over its events: contract, rows, conflicts, and earlier generations.

The live merge and the view of a run are both this fold, so that they cannot differ.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from openswarm.core.contract import Contract, fold_key
from openswarm.core.events import (
    AnyEvent,
    ConflictFound,
    ContractDeclared,
    Edited,
    GenerationStarted,
    RowsMerged,
    RunStarted,
    TaskAssigned,
    Undone,
    is_subagent,
)
from openswarm.core.table import Conflict, Key, Place, Row, Table


class Placed(NamedTuple):
    """A row and where it stands."""

    place: Place
    row: Row


class _Snapshot(NamedTuple):
    number: int
    contract: Contract | None
    rows: dict[Key, Placed]
    conflicts: dict[tuple[Key, str], Conflict]
    expected: dict[str, str]


@dataclass(slots=True)
class TableFold:
    """A table as it stands. `apply` takes the next event."""

    contract: Contract | None = None
    placed: dict[Key, Placed] = field(default_factory=dict)
    base: dict[Key, Placed] = field(default_factory=dict)
    """The table before any report of this generation came."""
    conflicts: dict[tuple[Key, str], Conflict] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    """What rows were assigned, by their folded names."""
    generations: int = 0
    """How many there were beside the run itself, those that were undone included."""
    _before: list[_Snapshot] = field(default_factory=list)

    @property
    def generation(self) -> int:
        """The generation that the table is of; 0 is the run itself."""
        return self._before[-1].number if self._before else 0

    @property
    def before(self) -> dict[Key, Placed]:
        """The rows that this generation began with."""
        return self._before[-1].rows if self._before else {}

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows in their order."""
        return tuple(entry.row for entry in sorted(self.placed.values(), key=_place))

    @property
    def table(self) -> Table | None:
        """The table, if there is a contract."""
        if self.contract is None:
            return None
        conflicts = tuple(self.conflicts[cell] for cell in sorted(self.conflicts))
        return Table(contract=self.contract, rows=self.rows, conflicts=conflicts)

    def apply(self, event: AnyEvent) -> None:
        """Takes one event."""
        match event:
            case RowsMerged():
                self._put(event.rows, event.places)
            case ConflictFound():
                self._conflict(event)
            case TaskAssigned() if is_subagent(event.agent):
                name = event.item
                self.expected.update({fold_key(name): name} if name else {})
            case RunStarted():
                self.contract = event.task.contract
                self._put(event.task.rows, [(0, place) for place in range(len(event.task.rows))])
                self.base = dict(self.placed)
            case ContractDeclared():
                self.contract = event.contract
            case _:
                self._apply_edit(event)

    def _apply_edit(self, event: AnyEvent) -> None:
        match event:
            case GenerationStarted():
                self._begin(event.number)
            case Edited():
                self._edit(event)
            case Undone():
                self._undo(event.generation)
            case _:
                pass

    def _begin(self, number: int) -> None:
        self.generations = number
        self._before.append(
            _Snapshot(
                number,
                self.contract,
                dict(self.placed),
                dict(self.conflicts),
                dict(self.expected),
            )
        )
        self.base = dict(self.placed)

    def _undo(self, number: int) -> None:
        while self._before and self._before[-1].number >= number:
            _, self.contract, self.placed, self.conflicts, self.expected = self._before.pop()
        self.base = dict(self.placed)

    def _edit(self, event: Edited) -> None:
        if event.contract is not None:
            self._reshape(event.contract, event.renamed)
        if event.removed:
            self._remove(set(event.removed))
        self._put(event.rows, event.places)
        self.conflicts.update({(c.key, c.column): c for c in event.conflicts})
        self.base = dict(self.placed)

    def copy(self) -> "TableFold":
        """A fold of its own that goes on from here; earlier generations stay with this one."""
        return TableFold(
            contract=self.contract,
            placed=dict(self.placed),
            base=dict(self.base),
            conflicts=dict(self.conflicts),
            expected=dict(self.expected),
            generations=self.generations,
        )

    def _reshape(self, contract: Contract, renamed: dict[str, str]) -> None:
        names = {renamed.get(name, name): name for name in contract.names}
        self.contract = contract
        self.conflicts = {
            (key, names[column]): conflict.model_copy(update={"column": names[column]})
            for (key, column), conflict in self.conflicts.items()
            if column in names
        }
        reshaped = (
            Placed(place, row.reshaped(contract, renamed)) for place, row in self.placed.values()
        )
        self.placed = {entry.row.key(contract): entry for entry in reshaped}

    def _remove(self, keys: set[Key]) -> None:
        assert self.contract is not None
        key_of = self.contract.key_of
        self.placed = {key: entry for key, entry in self.placed.items() if key not in keys}
        self.expected = {f: n for f, n in self.expected.items() if key_of(n) not in keys}
        self.conflicts = {cell: c for cell, c in self.conflicts.items() if cell[0] not in keys}

    def _put(self, rows: tuple[Row, ...], places: "list[Place] | tuple[Place, ...]") -> None:
        if self.contract is None:
            return
        for row, place in zip(rows, places, strict=True):
            key = row.key(self.contract)
            self.placed[key] = Placed(place, row)
            if self.conflicts:
                self._forget_conflicts(key, row)

    def _forget_conflicts(self, key: Key, row: Row) -> None:
        """A conflict is over when something else than what it kept stands in its cell."""
        for name, cell in row.cells.items():
            conflict = self.conflicts.get((key, name))
            if conflict is not None and conflict.kept != cell:
                del self.conflicts[key, name]

    def _conflict(self, event: ConflictFound) -> None:
        self.conflicts[event.key, event.column] = Conflict(
            key=event.key,
            column=event.column,
            kept=event.kept,
            others=(event.other, *event.more),
            rule=event.rule,
        )


def _place(entry: Placed) -> Place:
    return entry.place

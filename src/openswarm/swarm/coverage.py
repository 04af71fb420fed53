"""Coverage of a table: which rows and cells were expected, found, and are missing."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from openswarm.core.contract import Contract, fold_key
from openswarm.core.table import CellState, Row
from openswarm.journal.tables import TableFold


class ColumnCoverage(NamedTuple):
    """One column over all rows that are there."""

    name: str
    found: int
    """Cells with a value."""
    states: Mapping[CellState, int]
    missing: tuple[str, ...]
    """The rows in which it is empty."""


class Coverage(NamedTuple):
    """What of a table is there."""

    expected: int
    """Rows: those that were assigned, and those that came beside."""
    found: int
    """Rows with something in them."""
    missing_rows: tuple[str, ...]
    """Rows that were assigned, of which nothing is there."""
    columns: tuple[ColumnCoverage, ...]
    """The columns that are not the key."""
    lacking: tuple[str, ...]
    """Required cells that are empty, as `row: column`."""

    @property
    def missing_cells(self) -> int:
        """Empty cells of rows that are there, and all of those that are not."""
        inside = sum(len(column.missing) for column in self.columns)
        return inside + len(self.columns) * len(self.missing_rows)


def coverage_of(tables: TableFold, done: Iterable[str] = ()) -> Coverage | None:
    """The coverage of a table; None where there is none.

    `done` are items that completed sub-agents were given, folded: where the key has several
    columns a row's name says more than the item does, and such an item is not missing.
    """
    contract = tables.contract
    if contract is None:
        return None
    rows = [row for row in tables.rows if has_something(row, contract)]
    names = missing_names(tables, set(done))
    return Coverage(
        expected=len(rows) + len(names),
        found=len(rows),
        missing_rows=tuple(names),
        columns=tuple(_column(column.name, rows, contract) for column in contract.asked),
        lacking=tuple(
            f"{row.name(contract)}: {column.name}"
            for row in rows
            for column in contract.asked
            if not column.nullable and not row.cells[column.name].value
        ),
    )


def missing_names(tables: TableFold, done: set[str]) -> list[str]:
    """The rows of which nothing is there, by name: assigned ones, and ones with the key alone."""
    contract = tables.contract
    assert contract is not None
    found = {k for k, placed in tables.placed.items() if has_something(placed.row, contract)}
    bare = {k: p.row.name(contract) for k, p in tables.placed.items() if k not in found}
    by_name = len(contract.key) == 1
    names = {contract.key_of(name): name for name in tables.expected.values()} | bare
    return [
        name
        for key, name in names.items()
        if key in bare or (key not in tables.placed and (by_name or fold_key(name) not in done))
    ]


def has_something(row: Row, contract: Contract) -> bool:
    """Whether a row is more than its key, where more is asked."""
    return not contract.asked or any(row.cells[column.name].value for column in contract.asked)


def _column(name: str, rows: list[Row], contract: Contract) -> ColumnCoverage:
    cells = [(row, row.cells[name]) for row in rows]
    return ColumnCoverage(
        name=name,
        found=sum(bool(cell.value) for _, cell in cells),
        states=Counter(cell.state for _, cell in cells),
        missing=tuple(row.name(contract) for row, cell in cells if not cell.value),
    )

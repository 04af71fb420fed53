"""Cells with their evidence, rows of cells, and the table that a wide run makes."""

from typing import Literal

from pydantic import Field

from openswarm.core.contract import KEY_SEPARATOR, Contract
from openswarm.core.frozen import Frozen

CellState = Literal["filled", "empty", "unverified", "conflict", "edited", "locked"]
Confidence = Literal["", "low", "medium", "high"]
"""How far a value can be relied on; '' where there is none, or from before it was kept.

`high`: the value stands in the quote, and the quote in a source that was read; or a person set it.
`medium`: the quote stands there, but does not show the value as it is written.
`low`: nothing that was read shows it, or as many sub-agents say otherwise.
A sub-agent that says that it is less sure lowers it; nothing that it says can raise it.
"""
CONFIDENCES: tuple[Confidence, ...] = ("", "low", "medium", "high")
ConflictPolicy = Literal["majority", "first", "keep-both", "recheck"]

Key = tuple[str, ...]
"""What identifies a row: the folded values of its key columns."""
Place = tuple[int, ...]
"""Where a row stands: assignment, position in its report, then what split it off."""


class Cell(Frozen):
    """One value and where it comes from."""

    value: str = ""
    """The value in the one form of its column's type; '' when nothing was found."""
    raw: str = ""
    """The value as it was handed in."""
    source: str = ""
    """The document and page, or the URL."""
    quote: str = ""
    """Words of the source that show the value, verbatim."""
    agent: str = ""
    """The path of the sub-agent that reported it; `user` for what a person gave."""
    step: int = 0
    """Which of its replies reported it, counted from 1."""
    confidence: Confidence = ""
    state: CellState = "empty"
    """`filled`: the quote occurs in a source that the sub-agent read; `unverified`: it does not;
    `conflict`: sub-agents disagree; `locked`: a person set it, and no later work changes it;
    `edited`: a person set it and let go of it again."""


class Row(Frozen):
    """One row: a cell for each column of the contract."""

    cells: dict[str, Cell]

    def key(self, contract: Contract) -> Key:
        """The values of the key columns, folded so that spellings of one thing are equal."""
        return contract.fold(tuple(self.cells[name].value for name in contract.key))

    def name(self, contract: Contract) -> str:
        """The row's key as it is shown."""
        return KEY_SEPARATOR.join(self.cells[name].value for name in contract.key)

    def values(self) -> dict[str, str]:
        """The row without its evidence."""
        return {name: cell.value for name, cell in self.cells.items()}

    def put(self, cells: dict[str, Cell]) -> "Row":
        """The row with these cells in the place of its own."""
        return Row(cells=self.cells | cells)

    def reshaped(self, contract: Contract, renamed: dict[str, str]) -> "Row":
        """The row with the columns of another contract; `renamed` leads from new names to old."""
        old = self.cells
        return Row(cells={n: old.get(renamed.get(n, n), Cell()) for n in contract.names})


class Conflict(Frozen):
    """Different values for one cell, with the evidence of each, and how that was settled."""

    key: Key
    column: str
    kept: Cell
    others: tuple[Cell, ...]
    rule: str


class Table(Frozen):
    """The rows of a contract, in the order in which they were assigned."""

    contract: Contract
    rows: tuple[Row, ...] = ()
    conflicts: tuple[Conflict, ...] = Field(())

    def conflict(self, row: Row, column: str) -> Conflict | None:
        """What sub-agents disagreed on in one cell."""
        key = row.key(self.contract) if self.conflicts else ()
        found = (c for c in self.conflicts if c.column == column and c.key == key)
        return next(found, None)

"""Cells with their evidence, rows of cells, and the table that a wide run makes."""

from typing import Literal

from openswarm.core.contract import Contract
from openswarm.core.frozen import Frozen

CellState = Literal["filled", "empty", "unverified", "conflict"]


class Cell(Frozen):
    """One value and where it comes from."""

    value: str = ""
    """The value, its white space folded; '' when nothing was found."""
    source: str = ""
    """The document and page, or the URL."""
    quote: str = ""
    """Words of the source that show the value, verbatim."""
    agent: str = ""
    """The path of the sub-agent that reported it."""
    state: CellState = "empty"
    """`filled`: the quote occurs in a source that the sub-agent read; `unverified`: it does not."""


class Row(Frozen):
    """One row: a cell for each column of the contract."""

    cells: dict[str, Cell]

    def key(self, contract: Contract) -> tuple[str, ...]:
        """The values of the key columns, folded so that spellings of one thing are equal."""
        return tuple(fold_key(self.cells[name].value) for name in contract.key)

    def values(self) -> dict[str, str]:
        """The row without its evidence."""
        return {name: cell.value for name, cell in self.cells.items()}


class Table(Frozen):
    """The rows of a contract, in the order in which they were assigned."""

    contract: Contract
    rows: tuple[Row, ...] = ()


def fold_key(value: str) -> str:
    """A key for comparison: case, white space and outer punctuation do not count."""
    return " ".join(value.casefold().split()).strip(" .,;:'\"()[]")

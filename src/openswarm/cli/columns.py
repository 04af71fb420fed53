"""Lines of columns whose widths are known, drawn straight into segments.

A `rich.table.Table` measures and wraps every cell; drawn several times a second, with a screen full
of agents, that costs ten times as much as this.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.segment import Segment

GAP = "  "


class Column(NamedTuple):
    """One column: its heading, and its width in terminal cells."""

    name: str
    width: int
    right: bool = False


class Cell(NamedTuple):
    """Text in one line, and the name of a style."""

    text: str
    style: str = ""


class Columns:
    """A renderable: a heading and rows, each in one line, cut at the edge of the page."""

    def __init__(self, columns: Sequence[Column], rows: Iterable[Iterable[Cell]]) -> None:
        self._columns = columns
        self._rows = [tuple(row) for row in rows]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        heading = [Cell(column.name, "dim") for column in self._columns]
        for row in (heading, *self._rows):
            room = options.max_width
            for column, cell in zip(self._columns, row, strict=True):
                text = (fit(cell.text, column) + GAP)[:room]
                room -= cell_len(text)
                yield Segment(text, console.get_style(cell.style))
            yield Segment.line()


def fit(text: str, column: Column) -> str:
    """The text as wide as the column: filled up with spaces, or cut with an ellipsis."""
    length = cell_len(text)
    if length > column.width:
        return set_cell_size(text, max(0, column.width - 1)) + "…"
    padding = " " * (column.width - length)
    return padding + text if column.right else text + padding

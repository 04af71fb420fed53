"""What an edit changed, on the terminal and as JSON."""

from typing import Any

from rich.console import Console
from rich.text import Text

from openswarm.cli.result import print_grid
from openswarm.cli.tables import grid
from openswarm.cli.text import clean, count, one_line
from openswarm.core.operations import describe
from openswarm.core.table import Cell
from openswarm.swarm.diff import TableDiff

SHOWN = 200
"""Changed cells that are listed on a terminal."""


def print_diff(page: Console, diff: TableDiff, answer: str) -> None:
    """The operations, then columns, rows and cells that are different."""
    if diff.wish:
        page.print(Text(f"“{one_line(diff.wish, 400)}”"), soft_wrap=True)
    for operation in diff.operations:
        page.print(Text(f"edit {diff.generation}: {one_line(describe(operation), 400)}"))
    for mark, style, names in (
        ("+ column", "green", diff.columns_added),
        ("- column", "red", diff.columns_dropped),
        ("~ column", "yellow", [f"{old} → {new}" for old, new in diff.columns_renamed]),
        ("+ row", "green", diff.rows_added),
        ("- row", "red", diff.rows_removed),
    ):
        for name in names:
            page.print(Text(f"{mark} {one_line(name)}", style))
    if diff.cells:
        _print_cells(page, diff)
    if diff.answer_changed:
        page.print()
        page.print(Text(clean(answer)), soft_wrap=not page.is_terminal)
    if diff.is_empty:
        page.print(Text("nothing is different", "dim"))


def _print_cells(page: Console, diff: TableDiff) -> None:
    made = grid(page, ("row", "column", "before", "after"), (), "source")
    shown = diff.cells[: SHOWN if page.is_terminal else None]
    for change in shown:
        made.add_row(
            Text(one_line(change.row, 60)),
            Text(one_line(change.column, 40)),
            Text(_shown(change.before), "red"),
            Text(_shown(change.after), "green"),
            Text(one_line(change.after.source, 80), "dim"),
        )
    print_grid(page, made)
    if len(diff.cells) > len(shown):
        page.print(Text(f"… {count(len(diff.cells) - len(shown), 'cell')} more", "dim"))


def _shown(cell: Cell) -> str:
    mark = f" ({cell.state})" if cell.state not in ("filled", "empty") else ""
    return f"{one_line(cell.value, 80) or '–'}{mark}"


def diff_object(diff: TableDiff) -> dict[str, Any]:
    """A difference as JSON."""
    return {
        "generation": diff.generation,
        "wish": diff.wish,
        "operations": [operation.model_dump(mode="json") for operation in diff.operations],
        "columns_added": diff.columns_added,
        "columns_dropped": diff.columns_dropped,
        "columns_renamed": [{"from": old, "to": new} for old, new in diff.columns_renamed],
        "rows_added": diff.rows_added,
        "rows_removed": diff.rows_removed,
        "cells": [
            {
                "row": change.row,
                "column": change.column,
                "before": change.before.model_dump(),
                "after": change.after.model_dump(),
            }
            for change in diff.cells
        ],
        "answer_changed": diff.answer_changed,
    }

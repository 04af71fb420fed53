"""Rows of a Markdown table in an answer. Parses strictly and within bounds; knows no contract."""

import re

MAX_ROWS = 200
MAX_CELL_CHARS = 400
_SEPARATOR = re.compile(r":?-{1,}:?")


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of the first table of a text, by the names of its head; [] where there is none."""
    lines = [line.strip() for line in text.splitlines()]
    tabled = [line for line in lines if line.startswith("|") and line.endswith("|")]
    grid = [[cell.strip() for cell in line[1:-1].split("|")] for line in tabled[: MAX_ROWS + 2]]
    if len(grid) < 2 or len(set(grid[0])) < len(grid[0]):
        return []
    body = [row for row in grid[1:] if not all(map(_SEPARATOR.fullmatch, row))]
    return [
        {name: cell[:MAX_CELL_CHARS] for name, cell in zip(grid[0], row, strict=True)}
        for row in body[:MAX_ROWS]
        if len(row) == len(grid[0])
    ]

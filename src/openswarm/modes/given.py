"""Rows that the user gives: a table in a file, read as text and put together with a contract.

All of it waits for the disk: call it in a thread.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from openswarm.core.contract import (
    KEY_SEPARATOR,
    MAX_COLUMNS,
    MAX_VALUE_CHARS,
    Column,
    Contract,
    fold_key,
    make_column,
    make_contract,
)
from openswarm.core.errors import UserError
from openswarm.core.normalise import normalise
from openswarm.core.table import Cell, Key, Row
from openswarm.modes.contracts import read_file
from openswarm.modes.records import READERS, is_filled, place

MAX_BYTES = 32_000_000
MAX_ROWS = 10_000


class Grid(NamedTuple):
    """A table as text: what each cell holds, before any contract."""

    columns: list[str]
    rows: list[list[str]]
    """Each as long as `columns`."""
    lines: list[int]
    """Of each row: the line of the file, or the row of the sheet, where it begins. Where a format
    has no lines, rows are counted from 1."""
    name: str
    """The file's."""

    def place(self, line: int) -> str:
        """A line as messages name it."""
        return place(self.name, line)


def read_grid(path: Path) -> Grid:
    """The table in a .csv, .tsv, .xlsx, .json or .parquet file; empty lines are left out.

    JSON is a list of objects, or `{columns, rows}` as it is exported. The apostrophe that the
    export puts before what looks like a formula is taken off again. Raises `UserError` with the
    line and what to do, `SettingsError` where an extra is missing.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{path}: rows are read from {', '.join(READERS)}; give one of these")
    name = path.name
    records = (
        (n, cells) for n, cells in reader(read_file(path, MAX_BYTES), name) if is_filled(cells)
    )
    line, header = next(records, (1, []))
    columns = _columns(header, place(name, line))
    grid = Grid(columns, [], [], name)
    for line, cells in records:
        if len(grid.rows) == MAX_ROWS:
            raise UserError(f"{name} has more than {MAX_ROWS:,} rows; give a part of them")
        grid.rows.append(_row(cells, columns, grid.place(line)))
        grid.lines.append(line)
    if not grid.rows:
        raise UserError(f"{name} has no rows below its column names; add some")
    return grid


def given_rows(
    grid: Grid, contract: Contract | None = None, key: Iterable[str] = ()
) -> tuple[Contract, tuple[Row, ...]]:
    """The contract of the file's columns and those that are asked for, and the rows of the file.

    Columns of the file that `contract` does not define become text columns in front of its own.
    The key is `key`, or else the first column of the file. What is given is locked. Raises
    `UserError` for a value that does not fit its column and for rows without a key of their own.
    """
    whole = _whole_contract(grid, contract, key)
    columns = [whole.column(name) for name in grid.columns]
    first: dict[Key, int] = {}
    rows = []
    for line, values in zip(grid.lines, grid.rows, strict=True):
        row = _given_row(grid, line, columns, values, whole)
        identity = row.key(whole)
        if not all(identity):
            raise UserError(
                f"{grid.place(line)}: the key ({KEY_SEPARATOR.join(whole.key)}) is empty; fill it"
                " in, or choose other columns with --key"
            )
        if identity in first:
            raise UserError(
                f"{grid.place(first[identity])} and {grid.place(line)} have the same key,"
                f" {row.name(whole)[:80]!r}; leave one out, or choose other columns with --key"
            )
        first[identity] = line
        rows.append(row)
    return whole, tuple(rows)


def _whole_contract(grid: Grid, contract: Contract | None, key: Iterable[str]) -> Contract:
    asked = contract.columns if contract else ()
    defined = {fold_key(column.name) for column in asked}
    added = [make_column(name=name) for name in grid.columns if fold_key(name) not in defined]
    columns = (*added, *asked)
    in_file = {fold_key(name) for name in grid.columns}
    names = {fold_key(c.name): c.name for c in columns if fold_key(c.name) in in_file}
    keys = [name for name in key if name.strip()] or grid.columns[:1]
    missing = [name for name in keys if fold_key(name) not in names]
    if missing:
        raise UserError(
            f"{grid.name} has no column {missing[0][:80]!r}, which is to be the key; its columns"
            f" are {', '.join(grid.columns)}"
        )
    return make_contract(
        columns=columns,
        key=tuple(names[fold_key(name)] for name in keys),
        notes=contract.notes if contract else "",
        aliases=contract.aliases if contract else (),
    )


def _given_row(
    grid: Grid, line: int, columns: Sequence[Column], values: Sequence[str], whole: Contract
) -> Row:
    cells = dict.fromkeys(whole.names, Cell())
    for column, raw in zip(columns, values, strict=True):
        value, problem = normalise(raw, column)
        if problem:
            raise UserError(
                f"{grid.place(line)}, column {column.name!r}: {problem} (or leave the cell empty)"
            )
        if value:
            cells[column.name] = Cell(
                value=value,
                raw=raw,
                source=f"{grid.name}#{line}",
                agent="user",
                confidence="high",
                state="locked",
            )
    return Row(cells=cells)


def _columns(header: list[str], where: str) -> list[str]:
    """The names in a header; empty ones at its end are left out."""
    names = [" ".join(name.split()) for name in header]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise UserError(f"{where}: there are no column names; put them in the first line")
    if len(names) > MAX_COLUMNS:
        raise UserError(f"{where}: {len(names)} columns, more than {MAX_COLUMNS}; leave some out")
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        _check_text(name, f"{where}, column {number}")
        folded = fold_key(name)
        if not folded:
            raise UserError(f"{where}: column {number} has no name; give it one")
        if folded in seen:
            raise UserError(
                f"{where}: columns {seen[folded]} and {number} have the same name, {name[:80]!r};"
                " rename one"
            )
        seen[folded] = number
    return names


def _row(cells: list[str], columns: list[str], where: str) -> list[str]:
    """The cells of a row, exactly as many as there are columns."""
    width = len(columns)
    used = max(number for number, cell in enumerate(cells, 1) if cell.strip())
    found = max(used, min(len(cells), width))
    if found != width:
        raise UserError(
            f"{where}: {found} cells under {width} column names; give each name its cell, and"
            " put cells with a delimiter or a line break in quotes"
        )
    for name, cell in zip(columns, cells, strict=False):
        _check_text(cell, f"{where}, column {name[:80]!r}")
    return cells[:width]


def _check_text(text: str, where: str) -> None:
    if len(text.strip()) > MAX_VALUE_CHARS:
        raise UserError(f"{where}: longer than {MAX_VALUE_CHARS} characters; shorten it")
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        raise UserError(f"{where}: half a character (a lone surrogate); write it whole")

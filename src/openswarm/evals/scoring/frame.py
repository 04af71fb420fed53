"""What pandas does to the cells of a table when it reads, deduplicates and joins, without pandas.

Follows `read_csv(sep="|")`, `astype(str)`, `drop_duplicates` and an inner `merge` of pandas 2.3.
Knows nothing of tasks and scores.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Row = dict[str, str]

MISSING = "nan"
"""How a cell without a value is written once its column is text."""
_ABSENT = frozenset({
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
})  # fmt: skip
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?)", re.IGNORECASE
)
_TRUTH = {"True": "True", "TRUE": "True", "true": "True",
          "False": "False", "FALSE": "False", "false": "False"}  # fmt: skip
_INT64, _UINT64 = 1 << 63, 1 << 64
_MAX_DIGITS = 20


class Unreadable(Exception):
    """pandas would raise here, and the published scorer then gives nothing at all."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A table of text: the columns in order, and in each row a value for every column."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def normal_name(name: str) -> str:
    """A column's name as the published scorer compares it: lower case, no spaces."""
    return name.strip().lower().replace(" ", "")


def parsed(text: str) -> Frame:
    """A table whose cells stand between `|`, the first record being the header.

    Raises `Unreadable` where pandas does: nothing to read, a quotation without its end, a record
    longer than those before it.
    """
    records = _records(text)
    if not records:
        raise Unreadable("no header")
    header, body = _mangled(records[0]), records[1:]
    shift = max(0, len(body[0]) - len(header)) if body else 0
    widest = len(header) + shift
    cells: list[list[str]] = []
    for record in body:
        if len(record) > widest:
            raise Unreadable("a record has more cells than the header")
        cells.append([*record, *[""] * (widest - len(record))][shift:])
    kept = [at for at, name in enumerate(header) if not name.startswith("Unnamed")]
    columns = {header[at]: typed([record[at] for record in cells]) for at in kept}
    rows = tuple({name: values[at] for name, values in columns.items()} for at in range(len(cells)))
    return Frame(tuple(columns), rows)


def framed(columns: Sequence[str], rows: Iterable[Row]) -> Frame:
    """The table of these raw cells, each column in the form that pandas would give it."""
    rows = tuple(rows)
    read = {name: typed([row.get(name, "") for row in rows]) for name in columns}
    return Frame(
        tuple(read),
        tuple({name: values[at] for name, values in read.items()} for at in range(len(rows))),
    )


def typed(cells: Sequence[str]) -> list[str]:
    """A column read with its type guessed, written as text again: `007` is `7`, and `7.0` where
    any cell is empty; what says that there is nothing is `nan`."""
    absent = [cell in _ABSENT for cell in cells]
    said = [cell.strip() for cell, gone in zip(cells, absent, strict=True) if not gone]
    numbers = _integers(said)
    if numbers is not None:
        huge = bool(numbers) and max(numbers) >= _INT64
        if len(numbers) < len(said):
            return _texts(cells)
        if huge and (min(numbers) < 0 or any(absent)):
            return [*cells]
        if numbers and not any(absent):
            return [str(number) for number in numbers]
    if all(gone or _FLOAT.fullmatch(c.strip()) for c, gone in zip(cells, absent, strict=True)):
        return [MISSING if gone else str(float(c)) for c, gone in zip(cells, absent, strict=True)]
    if all(gone or cell in _TRUTH for cell, gone in zip(cells, absent, strict=True)):
        return [_TRUTH.get(cell, MISSING) for cell in cells]
    return _texts(cells)


def without_duplicates(frame: Frame, by: Sequence[str]) -> Frame:
    """The first row of each that are equal in the columns `by`."""
    first: dict[tuple[str, ...], Row] = {}
    for row in frame.rows:
        first.setdefault(tuple(row[name] for name in by), row)
    return Frame(frame.columns, tuple(first.values()))


def merged(gold: Frame, found: Frame, on: Sequence[str]) -> list[tuple[Row, Row]]:
    """Every pair of rows that are equal in the columns `on`: a key that is in `gold` once and in
    `found` three times makes three pairs."""
    by_key: dict[tuple[str, ...], list[Row]] = {}
    for row in found.rows:
        by_key.setdefault(tuple(row[name] for name in on), []).append(row)
    return [
        (row, other) for row in gold.rows for other in by_key.get(tuple(row[n] for n in on), [])
    ]


def _texts(cells: Sequence[str]) -> list[str]:
    return [MISSING if cell in _ABSENT else cell for cell in cells]


def _integers(cells: Sequence[str]) -> list[int] | None:
    """Whole numbers up to the first that fits no machine integer; None where one before it is no
    whole number."""
    values: list[int] = []
    for cell in cells:
        if not _INTEGER.fullmatch(cell):
            return None
        if len(cell.lstrip("+-0")) > _MAX_DIGITS or not -_INT64 <= int(cell) < _UINT64:
            return values
        values.append(int(cell))
    return values


def _mangled(header: Sequence[str]) -> list[str]:
    """Names made distinct: an empty one is `Unnamed: 3`, a second `a` is `a.1`."""
    names = [name or f"Unnamed: {at}" for at, name in enumerate(header)]
    seen: dict[str, int] = {}
    for at, name in enumerate(names):
        fresh, count = name, seen.get(name, 0)
        while fresh in seen:
            fresh = f"{name}.{count}"
            count += 1
        if fresh != name:
            seen[name] = count
        seen[fresh] = seen.get(fresh, 0) + 1
        names[at] = fresh
    return names


def _records(text: str) -> list[list[str]]:
    """The cells of each record; empty lines are none."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if '"' not in text:
        return [line.split("|") for line in text.split("\n") if line]
    records: list[list[str]] = []
    at = 0
    while at < len(text):
        record, at = _record(text, at)
        if record != [""]:
            records.append(record)
    return records


_FIELD = re.compile(r'"((?:[^"]|"")*)("?)([^|\n]*)|([^|\n]*)')


def _record(text: str, at: int) -> tuple[list[str], int]:
    """The record that begins at a place, and where the next one does. Raises `Unreadable` for an
    open quotation."""
    cells: list[str] = []
    while True:
        match = _FIELD.match(text, at)
        if match is None or (match[1] is not None and not match[2]):
            raise Unreadable("a quotation has no end")
        quoted = match[1] is not None
        cells.append(match[1].replace('""', '"') + match[3] if quoted else match[4])
        at = match.end() + 1
        if at > len(text) or text[at - 1] == "\n":
            return cells, at

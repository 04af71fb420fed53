"""The records of a table in a file, whatever its format: line after line of text.

Values of other types become text: days ISO dates, booleans yes and no, numbers digits without an
exponent. The first record is the header.
"""

import csv
import datetime
import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from openswarm.core.contract import MAX_COLUMNS
from openswarm.core.errors import UserError
from openswarm.modes.contracts import as_text, read_json
from openswarm.swarm.parquet import require_pyarrow
from openswarm.swarm.spreadsheet import require_openpyxl
from openswarm.swarm.values import MAX_EXACT_DIGITS, guarded

MAX_UNPACKED_BYTES = 256_000_000
"""Of a workbook or a Parquet file, which are compressed."""
MAX_SHEET_LINES = 1_048_576
"""The format allows no more."""
SHEET = "table"
"""The sheet that is read of a workbook that has it; that of our own export. Otherwise the first."""

_DELIMITERS = ",;\t|"
_SAMPLE_CHARS, _SAMPLE_ROWS = 100_000, 50
_MIDNIGHT = re.compile(r" 00:00:00(\.0+)?Z?$")
_NO_FRACTION = re.compile(r"\.0+(?=Z?$)")
_EXPORT_MARK = b"openswarm.contract"
"""In the metadata of our own Parquet files, whose last column is the evidence."""

Record = tuple[int, list[str]]
"""A line of a file and its cells. The header is at line 0 where a format has no lines."""
Reader = Callable[[bytes, str], Iterator[Record]]
"""From the bytes of a file and its name to its records. Raises `UserError`, `SettingsError`."""


def place(name: str, line: int) -> str:
    """A line of a file as messages name it."""
    if line == 0:
        return name
    has_lines = Path(name).suffix.lower() not in (".json", ".parquet")
    return f"{name}, {'line' if has_lines else 'row'} {line}"


def is_filled(cells: Iterable[str]) -> bool:
    """Whether anything stands in a record."""
    return any(cell.strip() for cell in cells)


def _unguarded(text: str) -> str:
    """The text without the apostrophe that an export has put before it."""
    plain = text.removeprefix("'")
    return plain if guarded(plain) == text else text


def _csv_records(data: bytes, name: str) -> Iterator[Record]:
    text = as_text(data, name)
    reader = _csv_reader(text, _delimiter(text), strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [_unguarded(cell) for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{place(name, line)}: {error}; a quote inside quotes is written twice, and each"
            " opening one needs its closing one"
        ) from None


def _csv_reader(text: str, delimiter: str, *, strict: bool = False) -> Any:
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)


def _delimiter(text: str) -> str:
    """The delimiter at which most lines have as many cells as the header, and the header most."""
    sample = text[:_SAMPLE_CHARS]

    def fits(delimiter: str) -> tuple[float, int]:
        records = [row for row in _csv_reader(sample, delimiter) if is_filled(row)][:_SAMPLE_ROWS]
        width = len(records[0]) if records else 0
        equal = sum(len(record) == width for record in records)
        return (equal / len(records), width) if width > 1 else (0.0, 0)

    return max(_DELIMITERS, key=fits)


def _json_records(data: bytes, name: str) -> Iterator[Record]:
    content = read_json(as_text(data, name), name)
    exported = isinstance(content, Mapping)
    rows = content.get("rows") if exported else content
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise UserError(f"{name}: rows are a list of objects, or {{columns, rows}} as exported")
    columns = content.get("columns") if exported else [*dict.fromkeys(n for r in rows for n in r)]
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        raise UserError(f"{name}: columns are a list of names")
    if not rows:
        raise UserError(f"{name} has no rows; add some")
    yield 0, columns
    known = set(columns)
    for number, row in enumerate(rows, 1):
        unknown = [column for column in row if column not in known]
        if unknown:
            raise UserError(f"{place(name, number)}: {unknown[0][:80]!r} is not in columns")
        yield number, [_json_text(row.get(c), place(name, number), c) for c in columns]


def _json_text(value: Any, where: str, column: str) -> str:
    if isinstance(value, list | Mapping):
        raise UserError(f"{where}, column {column[:80]!r}: a list or object; write it as text")
    return _cell_text(value)


def _cell_text(value: Any) -> str:
    """A value of a workbook or of JSON as text."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return _digits(f"{value:.{MAX_EXACT_DIGITS}g}")
        case datetime.datetime():
            return _MIDNIGHT.sub("", value.isoformat(" ", timespec="seconds"))
        case datetime.date() | datetime.time():
            return value.isoformat()
    return str(value)


def _digits(text: str) -> str:
    """A number without an exponent; nothing where it is none."""
    number = Decimal(text or "nan")
    return "" if number.is_nan() else format(number, "f")


def _xlsx_records(data: bytes, name: str) -> Iterator[Record]:
    require_openpyxl()
    from openpyxl import load_workbook

    # what it says of styles and extensions that it does not keep is of no use to who only reads
    warnings.filterwarnings("ignore", module=r"openpyxl\.")
    try:
        _check_unpacked(
            sum(e.file_size for e in zipfile.ZipFile(io.BytesIO(data)).infolist()), name
        )
        with closing(load_workbook(io.BytesIO(data), read_only=True, data_only=True)) as book:
            sheet: Any = book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]
            sheet.reset_dimensions()
            for line, cells in enumerate(islice(sheet.iter_rows(), MAX_SHEET_LINES), 1):
                texts = [_sheet_text(cell, place(name, line)) for cell in cells]
                yield line, texts + [""] * (MAX_COLUMNS - len(texts))
    except UserError:
        raise
    except Exception as error:
        # a broken workbook breaks the parser in every way there is
        raise UserError(
            f"{name} is not a workbook that can be read ({str(error)[:100]}); save it as .xlsx"
            " without a password, or as .csv"
        ) from error


def _sheet_text(cell: Any, where: str) -> str:
    if cell.data_type == "e":
        raise UserError(f"{where}: a cell holds the error {cell.value}; mend it or empty it")
    return _unguarded(_cell_text(cell.value))


def _check_unpacked(size: int, name: str) -> None:
    if size > MAX_UNPACKED_BYTES:
        raise UserError(
            f"{name} unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000} MB; give a part of it"
        )


def _parquet_records(data: bytes, name: str) -> Iterator[Record]:
    require_pyarrow()
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(data))
        facts, schema = file.metadata, file.schema_arrow
        groups = range(facts.num_row_groups)
        _check_unpacked(sum(facts.row_group(n).total_byte_size for n in groups), name)
        is_exported = _EXPORT_MARK in (schema.metadata or {})
        columns = schema.names[:-1] if is_exported else schema.names
        yield 0, columns
        number = 0
        for batch in file.iter_batches(batch_size=100):
            texts = [_arrow_texts(column) for column in batch.columns[: len(columns)]]
            for cells in zip(*texts, strict=True):
                number += 1
                yield number, list(cells)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"{name} cannot be read ({str(error)[:100]}); each column has to hold plain values"
        ) from None


def _arrow_texts(column: Any) -> list[str]:
    texts = [text or "" for text in column.cast("string").to_pylist()]
    match str(column.type):
        case "double":
            return [_cell_text(float(text or "nan")) for text in texts]
        case "float" | "halffloat":
            return [_digits(text) for text in texts]
        case "bool":
            return [{"true": "yes", "false": "no"}.get(text, "") for text in texts]
        case kind if kind.startswith("timestamp"):
            return [_NO_FRACTION.sub("", _MIDNIGHT.sub("", text)) for text in texts]
    return texts


READERS: dict[str, Reader] = {
    ".csv": _csv_records,
    ".tsv": _csv_records,
    ".xlsx": _xlsx_records,
    ".json": _json_records,
    ".parquet": _parquet_records,
}
"""The reader of each suffix."""

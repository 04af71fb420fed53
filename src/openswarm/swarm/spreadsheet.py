"""A table as an XLSX workbook: the sheet `table`, and `sources` with the evidence of each cell.

The only module that imports openpyxl.
"""

import io
import re
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from openswarm.core.contract import Column
from openswarm.core.errors import SettingsError
from openswarm.core.table import Cell, Table
from openswarm.swarm.evidence import Source, sources_of
from openswarm.swarm.values import guarded, parse_number

if TYPE_CHECKING:
    from openpyxl.comments import Comment
    from openpyxl.worksheet.worksheet import Worksheet

NARROWEST, WIDEST = 8, 60
"""Widths of columns, in characters."""
MAX_CELL_CHARS = 32_000
"""The format allows 32,767."""
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def require_openpyxl() -> None:
    """Raises `SettingsError` where the extra is missing."""
    if find_spec("openpyxl") is None:
        raise SettingsError("XLSX needs openpyxl; install it with: pip install 'openswarm[office]'")


def workbook(table: Table) -> bytes:
    """The workbook as the bytes of an .xlsx file. Raises `SettingsError`."""
    require_openpyxl()
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "table"
    _fill_table(sheet, table)
    _fill_sources(book.create_sheet("sources"), table)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _fill_table(sheet: "Worksheet", table: Table) -> None:
    columns = table.contract.columns
    _put_header(sheet, [column.name for column in columns])
    for line, row in enumerate(table.rows, 2):
        for place, column in enumerate(columns, 1):
            _put_cell(sheet, line, place, column, row.cells[column.name])
    _finish(sheet, [[row.cells[c.name].value for row in table.rows] for c in columns])


def _fill_sources(sheet: "Worksheet", table: Table) -> None:
    _put_header(sheet, Source._fields)
    sources = list(sources_of(table))
    for line, source in enumerate(sources, 2):
        for place, text in enumerate(source, 1):
            _put(sheet, line, place, text)
    _finish(sheet, list(zip(*sources, strict=True)) or [()] * len(Source._fields))


def _put_header(sheet: "Worksheet", names: Sequence[str]) -> None:
    from openpyxl.styles import Font

    for place, name in enumerate(names, 1):
        _put(sheet, 1, place, name)
        sheet.cell(1, place).font = Font(bold=True)


def _put_cell(sheet: "Worksheet", line: int, place: int, column: Column, cell: Cell) -> None:
    number = parse_number(cell.value) if column.type == "number" else None
    if number is None:
        _put(sheet, line, place, cell.value)
    else:
        sheet.cell(line, place, number)
    if cell.source or cell.quote:
        written: Any = sheet.cell(line, place)  # a merged cell takes no comment; none is merged
        written.comment = _comment(cell)


def _comment(cell: Cell) -> "Comment":
    from openpyxl.comments import Comment

    lines = [f"“{cell.quote}”" if cell.quote else "", cell.source, f"({cell.state})"]
    text = _NOT_IN_XML.sub("", "\n".join(line for line in lines if line))
    return Comment(text, "openswarm", height=120, width=320)


def _put(sheet: "Worksheet", line: int, place: int, text: str) -> None:
    cell = sheet.cell(line, place, guarded(_NOT_IN_XML.sub("", text))[:MAX_CELL_CHARS])
    cell.data_type = "s"  # never a formula or an error value, whatever it looks like


def _finish(sheet: "Worksheet", columns: Sequence[Iterable[str]]) -> None:
    from openpyxl.utils import get_column_letter

    for place, values in enumerate(columns, 1):
        longest = max((len(value) for value in values), default=0)
        width = max(longest, len(str(sheet.cell(1, place).value))) + 2
        sheet.column_dimensions[get_column_letter(place)].width = min(max(width, NARROWEST), WIDEST)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions

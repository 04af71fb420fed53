"""A table as an XLSX workbook.

The sheet `table` has typed cells, and comments with their evidence; `answer` what the run said;
`sources` the evidence of each cell and the values that were not kept; `about` the contract and what
the shading means. Nothing in it is a formula. No other module imports openpyxl to write.
"""

import datetime
import io
import re
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from openswarm.core.contract import Column, Contract
from openswarm.core.errors import SettingsError
from openswarm.core.result import Citation
from openswarm.core.table import Cell, CellState, Conflict, Table
from openswarm.swarm.evidence import Source, rows_with_conflicts, sources_of
from openswarm.swarm.values import (
    guarded,
    is_exact_float,
    parse_boolean,
    parse_date,
    parse_number,
    web_address,
)

if TYPE_CHECKING:
    from openpyxl.comments import Comment
    from openpyxl.worksheet.worksheet import Worksheet

NARROWEST, WIDEST = 8, 60
"""Widths of columns, in characters."""
MAX_CELL_CHARS = 32_000
"""The format allows 32,767."""
MAX_LIST_CHARS = 255
"""The format allows no longer list of options."""
MAX_LINKS = 65_000
"""The format allows 65,530 to a sheet; a sheet that would have more has none."""
MAX_SHOWN_DIGITS = 11
"""A longer whole number is shown with an exponent where no format says otherwise."""
FIRST_DAY = datetime.date(1900, 3, 1)
"""Spreadsheets do not agree on the days before it."""
MAX_OTHERS = 5
"""So many of the values that were not kept are in a comment; all are in `sources`."""

UNSURE, BY_HAND = "FFF2CC", "DDEBF7"
SHADES: dict[CellState, str] = {
    "unverified": UNSURE,
    "conflict": UNSURE,
    "locked": BY_HAND,
    "edited": BY_HAND,
}
MEANINGS: dict[CellState, str] = {
    "unverified": "nothing that the sub-agent read shows the value",
    "conflict": "sub-agents found different values; the other ones are in `sources`",
    "locked": "a person set it, and no later work changes it",
    "edited": "a person set it, and later work may change it",
}
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NEWLINE = re.compile(r"\r\n?")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
"""What a spreadsheet would read as one character: `_x003D_` is `=`."""
_BULLET = re.compile(r"^(\s*)[-+] ")


def require_openpyxl() -> None:
    """Raises `SettingsError` where the extra is missing."""
    if find_spec("openpyxl") is None:
        raise SettingsError("XLSX needs openpyxl; install it with: pip install 'openswarm[office]'")


def workbook(
    table: Table, *, answer: str = "", citations: Sequence[Citation] = (), run_id: str = ""
) -> bytes:
    """The workbook as the bytes of an .xlsx file; there is a sheet `answer` where there is one.

    Raises `SettingsError`.
    """
    require_openpyxl()
    from openpyxl import Workbook

    book = Workbook()
    book.properties.creator = "openswarm"
    sheet = book.active
    assert sheet is not None
    sheet.title = "table"
    _fill_table(sheet, table)
    if answer.strip():
        _fill_answer(book.create_sheet("answer"), answer, citations, table)
    _fill_sources(book.create_sheet("sources"), table)
    _fill_about(book.create_sheet("about"), table.contract, run_id)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _fill_table(sheet: "Worksheet", table: Table) -> None:
    columns = table.contract.columns
    _put_header(sheet, [column.name for column in columns])
    for place, column in enumerate(columns, 1):
        _attach(sheet, 1, place, _comment(_column_facts(column)))
    urls = sum(column.type == "url" for column in columns)
    with_links = urls * len(table.rows) <= MAX_LINKS
    for line, (row, conflicts) in enumerate(rows_with_conflicts(table), 2):
        for place, column in enumerate(columns, 1):
            cell = row.cells[column.name]
            _put_typed(sheet, line, place, column, cell.value, with_links)
            _put_evidence(sheet, line, place, cell, conflicts.get(column.name))
    _add_options(sheet, columns, len(table.rows))
    _finish(sheet, [[row.cells[c.name].value for row in table.rows] for c in columns])


def _put_typed(
    sheet: "Worksheet", line: int, place: int, column: Column, text: str, with_links: bool
) -> None:
    """Puts a value as its type where it fits, and as text otherwise."""
    match column.type:
        case "number":
            done = _put_number(sheet, line, place, text)
        case "date":
            done = _put_date(sheet, line, place, text)
        case "boolean" if (truth := parse_boolean(text)) is not None:
            sheet.cell(line, place, truth)
            done = True
        case _:
            done = False
    if not done:
        _put(sheet, line, place, text)
    if column.type == "url" and with_links:
        _link(sheet, line, place, text)
    _align(sheet, line, place, wrap=not done and (len(text) > WIDEST or "\n" in text))


def _put_number(sheet: "Worksheet", line: int, place: int, text: str) -> bool:
    number = parse_number(text)
    if number is None or not is_exact_float(number):
        return False
    # its digits as they are: openpyxl writes the float 9.95 as 9.949999999999999
    cell = sheet.cell(line, place, str(number))
    cell.data_type = "n"
    if number == int(number) and number.adjusted() >= MAX_SHOWN_DIGITS:
        cell.number_format = "0"
    return True


def _put_date(sheet: "Worksheet", line: int, place: int, text: str) -> bool:
    day = parse_date(text)
    if day is None or day < FIRST_DAY:
        return False
    sheet.cell(line, place, day).number_format = "yyyy-mm-dd"
    return True


def _link(sheet: "Worksheet", line: int, place: int, text: str) -> None:
    from openpyxl.styles import Font

    address = web_address(_clean(text))
    if address:
        cell: Any = sheet.cell(line, place)  # a merged cell takes no link; none is merged
        cell.hyperlink = address
        cell.font = Font(color="0563C1", underline="single")


def _put_evidence(
    sheet: "Worksheet", line: int, place: int, cell: Cell, conflict: Conflict | None
) -> None:
    from openpyxl.styles import PatternFill

    if cell.source or cell.quote or conflict or cell.state in SHADES:
        _attach(sheet, line, place, _comment(_cell_facts(cell, conflict)))
    if cell.state in SHADES:
        sheet.cell(line, place).fill = PatternFill("solid", fgColor=SHADES[cell.state])


def _cell_facts(cell: Cell, conflict: Conflict | None) -> Iterable[str]:
    confidence = f", confidence: {cell.confidence}" if cell.confidence else ""
    yield f"“{cell.quote}”" if cell.quote else ""
    yield f"source: {cell.source}" if cell.source else ""
    yield f"state: {cell.state}{confidence}"
    if conflict:
        yield f"not kept ({conflict.rule}):"
        for other in conflict.others[:MAX_OTHERS]:
            quote = f" “{other.quote}”" if other.quote else ""
            yield f"• {other.value}{quote}{f' ({other.source})' if other.source else ''}"
        more = len(conflict.others) - MAX_OTHERS
        yield f"and {more} more in the sheet sources" if more > 0 else ""


def _column_facts(column: Column) -> Iterable[str]:
    yield f"type: {column.type}"
    yield f"unit: {column.unit}" if column.unit else ""
    yield f"options: {', '.join(column.options)}" if column.options else ""
    yield f"definition: {column.definition}" if column.definition else ""


def _comment(facts: Iterable[str]) -> "Comment":
    from openpyxl.comments import Comment

    lines = [fact for fact in facts if fact]
    shown = sum(1 + len(line) // 45 for line in lines)
    text = _escaped(guarded(_clean("\n".join(lines))))
    return Comment(text, "openswarm", height=min(max(60, 20 * shown), 400), width=320)


def _attach(sheet: "Worksheet", line: int, place: int, comment: "Comment") -> None:
    cell: Any = sheet.cell(line, place)  # a merged cell takes no comment; none is merged
    cell.comment = comment


def _add_options(sheet: "Worksheet", columns: Sequence[Column], lines: int) -> None:
    """Lets a person choose among the options of an enum, where the format can hold them."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    for place, column in enumerate(columns, 1):
        listed = '"' + ",".join(column.options).replace('"', '""') + '"'
        plain = all(
            o == _escaped(guarded(_clean(o))).strip() and "," not in o for o in column.options
        )
        if column.type == "enum" and plain and len(listed) <= MAX_LIST_CHARS and lines:
            choice = DataValidation("list", listed, showErrorMessage=True, allow_blank=True)
            choice.add(f"{get_column_letter(place)}2:{get_column_letter(place)}{lines + 1}")
            sheet.add_data_validation(choice)


def _fill_answer(
    sheet: "Worksheet", answer: str, citations: Sequence[Citation], table: Table
) -> None:
    """One cell for each line, as a row can only be so high; then the cells that it names, each a
    link into the sheet `table`."""
    sheet.column_dimensions["A"].width = 2 * WIDEST
    lines = answer.strip("\n").splitlines()
    for line, text in enumerate(lines, 1):
        _put(sheet, line, 1, _BULLET.sub(r"\1• ", text))
        _align(sheet, line, 1, wrap=True)
    rows = {row.name(table.contract): place for place, row in enumerate(table.rows, 2)}
    for line, citation in enumerate(citations, len(lines) + 2):
        cell = citation.cell
        quote = f" “{cell.quote}”" if cell.quote else ""
        text = f"[{citation.mark}] {citation.row}, {citation.column}: {cell.value}"
        _put(sheet, line, 1, f"{text} — {cell.source}{quote}" if cell.source or quote else text)
        _align(sheet, line, 1, wrap=True)
        _lead_to(sheet, line, rows[citation.row], table.contract.names.index(citation.column) + 1)


def _lead_to(sheet: "Worksheet", line: int, row: int, column: int) -> None:
    """Makes a cell of the answer lead to one of the table."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.hyperlink import Hyperlink

    link = Hyperlink(ref=f"A{line}", location=f"'table'!{get_column_letter(column)}{row}")
    written: Any = sheet.cell(line, 1)
    written.hyperlink = link


def _fill_sources(sheet: "Worksheet", table: Table) -> None:
    _put_header(sheet, Source._fields)
    sources = list(sources_of(table))
    for line, source in enumerate(sources, 2):
        for place, (name, text) in enumerate(zip(Source._fields, source, strict=True), 1):
            if name != "step" or not _put_number(sheet, line, place, text):
                _put(sheet, line, place, text)
            if name == "source" and len(sources) <= MAX_LINKS:
                _link(sheet, line, place, text)
    _finish(sheet, list(zip(*sources, strict=True)) or [()] * len(Source._fields))


def _fill_about(sheet: "Worksheet", contract: Contract, run_id: str) -> None:
    from openpyxl.styles import PatternFill

    _put_header(sheet, ("column", "type", "unit", "options", "definition"))
    facts = {"key": ", ".join(contract.key), "notes": contract.notes, "run": run_id}
    below = [("", ""), *((k, v) for k, v in facts.items() if v), ("", ""), *MEANINGS.items()]
    lines = [(c.name, c.type, c.unit, ", ".join(c.options), c.definition) for c in contract.columns]
    lines += [(name, "", "", "", text) for name, text in below]
    for line, texts in enumerate(lines, 2):
        for place, text in enumerate(texts, 1):
            _put(sheet, line, place, text)
            _align(sheet, line, place, wrap=True)
    for line, state in enumerate(MEANINGS, len(lines) - len(MEANINGS) + 2):
        sheet.cell(line, 1).fill = PatternFill("solid", fgColor=SHADES[state])
    _set_widths(sheet, list(zip(*lines, strict=True)))


def _put_header(sheet: "Worksheet", names: Sequence[str]) -> None:
    from openpyxl.styles import Font

    for place, name in enumerate(names, 1):
        _put(sheet, 1, place, name)
        sheet.cell(1, place).font = Font(bold=True)
    sheet.freeze_panes = "A2"


def _put(sheet: "Worksheet", line: int, place: int, text: str) -> None:
    shown = _escaped(guarded(_clean(text))[:MAX_CELL_CHARS])
    if not shown:
        return
    cell = sheet.cell(line, place, shown)
    cell.data_type = "s"  # never a formula or an error value, whatever it looks like


def _align(sheet: "Worksheet", line: int, place: int, *, wrap: bool) -> None:
    from openpyxl.styles import Alignment

    sheet.cell(line, place).alignment = Alignment(vertical="top", wrap_text=wrap)


def _finish(sheet: "Worksheet", columns: Sequence[Iterable[str]]) -> None:
    _set_widths(sheet, columns)
    sheet.auto_filter.ref = sheet.dimensions


def _set_widths(sheet: "Worksheet", columns: Sequence[Iterable[str]]) -> None:
    from openpyxl.utils import get_column_letter

    for place, values in enumerate(columns, 1):
        longest = max((len(value) for value in values), default=0)
        width = max(longest, len(str(sheet.cell(1, place).value)) + 2) + 2
        sheet.column_dimensions[get_column_letter(place)].width = min(max(width, NARROWEST), WIDEST)


def _clean(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return _NEWLINE.sub("\n", _NOT_IN_XML.sub("", text))


def _escaped(text: str) -> str:
    return _ESCAPE.sub("_x005F_", text)

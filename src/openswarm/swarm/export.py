"""A finished table, or an answer, as a file: CSV, JSON, Markdown, Parquet or XLSX by its suffix.

Every file is written whole or not at all. Values come from models and documents: in spreadsheets
what looks like a formula is made text. Knows nothing of runs.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from openswarm.core.errors import UserError
from openswarm.core.result import Citation
from openswarm.core.table import Cell, CellState, Table
from openswarm.swarm.evidence import Source, number_sources, sources_of, table_object
from openswarm.swarm.parquet import parquet_file, require_pyarrow
from openswarm.swarm.spreadsheet import require_openpyxl, workbook
from openswarm.swarm.values import guarded, plain_markdown

TABLE_SUFFIXES = (".csv", ".json", ".md", ".parquet", ".xlsx")
ANSWER_SUFFIXES = (".json", ".md", ".txt")
MARKS: dict[CellState, str] = {
    "unverified": " *(unverified)*",
    "conflict": " *(conflict)*",
    "locked": " *(by hand)*",
    "edited": " *(by hand)*",
}


def export_table(
    table: Table,
    path: Path,
    *,
    answer: str = "",
    citations: Sequence[Citation] = (),
    run_id: str = "",
    sources: bool = False,
) -> None:
    """Writes the table to `path`. `sources` puts `NAME.sources.csv` beside a CSV.

    JSON is `{columns: [name], rows: [{name: value}], cells: [{name: cell}], conflicts, contract}`,
    with `run_id`, `answer` and its `citations` where there are any. In Markdown the marks of the
    answer are footnotes, and sources are numbered; in XLSX they lead to their cells.
    Raises `UserError` for another suffix or a place that cannot be written to, `SettingsError`
    where openpyxl or pyarrow is missing.
    """
    match _suffix(path, TABLE_SUFFIXES):
        case ".csv":
            write_whole(path, _csv(_grid(table)))
            if sources:
                write_whole(path.with_suffix(".sources.csv"), _csv(_source_grid(table)))
        case ".json":
            head = _given({"run_id": run_id, "answer": answer})
            more = {
                "citations": [citation.model_dump() for citation in citations],
                "conflicts": [conflict.model_dump() for conflict in table.conflicts],
                "contract": table.contract.model_dump(),
            }
            write_whole(path, _json(head | table_object(table) | more))
        case ".md":
            noted = footnoted(answer, citations)
            notes = "\n".join(f"[^{c.mark}]: {_note(c)}" for c in citations)
            write_whole(path, _document(run_id, noted, _markdown_table(table), notes))
        case ".parquet":
            write_whole(path, parquet_file(table, answer=answer, run_id=run_id))
        case _:
            data = workbook(table, answer=answer, citations=citations, run_id=run_id)
            write_whole(path, data)


def footnoted(answer: str, citations: Sequence[Citation]) -> str:
    """The answer with its marks as Markdown footnotes."""
    for citation in citations:
        answer = answer.replace(f"[{citation.mark}]", f"[^{citation.mark}]")
    return answer


def _note(citation: Citation) -> str:
    where = plain_markdown(f"{citation.row}, {citation.column}: {citation.cell.value}")
    quote = f" “{plain_markdown(citation.cell.quote)}”" if citation.cell.quote else ""
    source = f" {plain_markdown(citation.cell.source)}." if citation.cell.source else ""
    return f"{where}.{source}{quote}"


def export_answer(answer: str, path: Path, *, run_id: str = "") -> None:
    """Writes the answer of a run that made no table, as .md, .txt or .json."""
    match _suffix(path, ANSWER_SUFFIXES, "; this run has no table"):
        case ".json":
            write_whole(path, _json(_given({"run_id": run_id}) | {"answer": answer}))
        case ".md":
            write_whole(path, _document(run_id, answer, ""))
        case _:
            write_whole(path, answer.rstrip("\n").encode("utf-8", "replace") + b"\n")


def check_target(path: Path) -> None:
    """Raises, before anything is paid for, what an export to `path` would raise at the end."""
    match _suffix(path, tuple(sorted({*TABLE_SUFFIXES, *ANSWER_SUFFIXES}))):
        case ".xlsx":
            require_openpyxl()
        case ".parquet":
            require_pyarrow()
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it with: mkdir -p")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"{path}: {path.parent} cannot be written to; choose another folder")


def write_whole(path: Path, data: bytes) -> None:
    """Puts a file in its place in one step. Raises `UserError`."""
    target = path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror}; choose another place") from None


def _suffix(path: Path, known: tuple[str, ...], why: str = "") -> str:
    suffix = path.suffix.lower()
    if suffix not in known:
        raise UserError(
            f"{path}: cannot write {suffix or 'no suffix'}{why}; use {', '.join(known)}"
        )
    return suffix


def _grid(table: Table) -> list[list[str]]:
    names = table.contract.names
    return [list(names), *([row.cells[name].value for name in names] for row in table.rows)]


def _source_grid(table: Table) -> list[list[str]]:
    return [list(Source._fields), *(list(source) for source in sources_of(table))]


def _csv(grid: list[list[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([guarded(value) for value in row] for row in grid)
    return text.getvalue().encode("utf-8", "replace")


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _given(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def _document(run_id: str, answer: str, table: str, notes: str = "") -> bytes:
    origin = f"*openswarm run {run_id}*" if run_id else ""
    parts = [part.strip("\n") for part in (answer, table, notes, origin) if part.strip()]
    return ("\n\n".join(parts) + "\n").encode("utf-8", "replace")


def _markdown_table(table: Table) -> str:
    numbers = number_sources(table)
    columns = table.contract.columns
    lines = [
        _markdown_row(plain_markdown(column.name) for column in columns),
        _markdown_row("---:" if column.type == "number" else "---" for column in columns),
    ]
    for row in table.rows:
        cells = (row.cells[column.name] for column in columns)
        lines.append(_markdown_row(_markdown_cell(cell, numbers) for cell in cells))
    if numbers:
        lines += ["", "Sources:", ""]
        lines += [f"{number}. {plain_markdown(source)}" for source, number in numbers.items()]
    return "\n".join(lines)


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _markdown_cell(cell: Cell, numbers: dict[str, int]) -> str:
    number = f" [{numbers[cell.source]}]" if cell.source else ""
    return (plain_markdown(cell.value) or "–") + MARKS.get(cell.state, "") + number

"""From the bytes of a file to text that can be searched and quoted, one reader a format.

Everything here is a pure function of bytes and name; what cannot be read is `Unreadable`.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from openswarm.tools.corpus import json_text
from openswarm.tools.corpus.chunks import Kind
from openswarm.tools.corpus.html_text import html_to_markdown

MAX_TEXT_CHARS = 20_000_000
MAX_TITLE_CHARS = 200

_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
_UNDERLINED = re.compile(r"^(\S.{0,150})\n={3,}[ \t]*$", re.MULTILINE)
_CODE_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


class Unreadable(Exception):
    """A file that has no text for us. `lasting`: the same bytes will never be readable."""

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        super().__init__(reason)
        self.lasting = lasting


class Reading(NamedTuple):
    """What was read. `names` are what the document calls its subject, beside the title."""

    title: str
    text: str
    kind: Kind
    names: tuple[str, ...] = ()


def read(data: bytes, name: str) -> Reading:
    """The text of a file or page; its name tells the format. Raises `Unreadable`."""
    path = PurePosixPath(name)
    suffix = ".pdf" if data.startswith(b"%PDF-") else path.suffix.lower()
    title, text, kind, names = _READERS.get(suffix, _read_plain)(data)
    text = _clean(text[:MAX_TEXT_CHARS])
    if not text.strip():
        raise Unreadable("it has no text")
    title = " ".join(_clean(title).split())[:MAX_TITLE_CHARS]
    return Reading(title or path.stem or name, text, kind, tuple(map(_clean, names)))


def decode(data: bytes) -> str:
    """Text from bytes: by the byte order mark, as UTF-8, or else as Latin-1 of Windows."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return _strictly(data, encoding)
    if b"\0" in data:
        raise Unreadable("it is binary")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    sample = text[:65536]
    if len(_CONTROLS.findall(sample)) > len(sample) / 50:
        raise Unreadable("it is binary")
    return text


def _strictly(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(f"it begins like {encoding} text but is not") from None
    if "\0" in text:
        raise Unreadable("it is binary")
    return text


def _clean(text: str) -> str:
    """Text that can be stored and shown: composed, one kind of line end, no control characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub("", text)
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", text).encode("utf-8", "replace").decode("utf-8")


def _read_plain(data: bytes) -> Reading:
    return Reading("", decode(data), "prose")


def _read_prose(data: bytes) -> Reading:
    text = decode(data)
    return Reading(_first_heading(text), text, "prose")


def _read_markdown(data: bytes) -> Reading:
    text = decode(data)
    return Reading(_first_heading(text), text, "sections")


def _read_html(data: bytes) -> Reading:
    try:
        title, text = html_to_markdown(decode(data))
    except (ValueError, AssertionError, RecursionError) as error:
        raise Unreadable(f"it is not HTML that can be read ({error})") from None
    return Reading(title or _first_heading(text), text, "sections")


def _read_json(data: bytes) -> Reading:
    text = decode(data)
    try:
        value = json_text.load(text)
        names = json_text.names(value)
        lines = _bounded(json_text.lines(value))
    except (ValueError, RecursionError):
        # JSON with comments, or damaged: still text
        return Reading("", text, "prose")
    return Reading(names[0] if names else "", lines, "records", tuple(names[1:]))


def _read_json_lines(data: bytes) -> Reading:
    text = decode(data)
    try:
        values = [json_text.load(line) for line in text.splitlines() if line.strip()]
        lines = _bounded(json_text.lines(values))
    except (ValueError, RecursionError):
        return Reading("", text, "prose")
    return Reading("", lines, "records")


def _read_csv(data: bytes) -> Reading:
    text = decode(data)
    delimiter = max(",;\t|", key=text.partition("\n")[0].count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        lines = _bounded(_rows_as_lines(rows))
    except csv.Error:
        return Reading("", text, "prose")
    return Reading("", lines, "records")


def _rows_as_lines(rows: Iterable[list[str]]) -> Iterator[str]:
    """The header, then a line a row: `column: value; column: value`; empty cells are left out."""
    header: list[str] = []
    for row in rows:
        cells = [json_text.plain(cell) for cell in row]
        if not any(cells):
            continue
        if not header:
            header = cells
            yield "; ".join(cells)
            continue
        columns = (*header, *(f"column {n + 1}" for n in range(len(header), len(cells))))
        yield "; ".join(
            f"{column}: {cell}" for column, cell in zip(columns, cells, strict=False) if cell
        )


def _read_pdf(data: bytes) -> Reading:
    try:
        import pypdf
    except ImportError:
        raise Unreadable(
            "reading PDF needs: pip install 'openswarm[office]'", lasting=False
        ) from None
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        title = str((reader.metadata or {}).get("/Title") or "")
        text = _bounded((page.extract_text().strip() for page in reader.pages), "\n\n")
    except Exception as error:
        # a broken PDF breaks the parser in every way there is
        raise Unreadable(f"it is not a PDF that can be read ({str(error)[:100]})") from error
    if not text.strip():
        raise Unreadable("the PDF has no text (scanned pages?)")
    return Reading(title, text, "prose")


def _bounded(lines: Iterable[str], separator: str = "\n") -> str:
    """The lines as one text, up to `MAX_TEXT_CHARS`."""
    kept: list[str] = []
    room = MAX_TEXT_CHARS
    for line in lines:
        room -= len(line) + len(separator)
        if room < 0:
            break
        kept.append(line + separator)
    return "".join(kept)


def _first_heading(text: str) -> str:
    start = _CODE_FENCE.sub("", text[:20_000])
    found = [match for match in (_HEADING.search(start), _UNDERLINED.search(start)) if match]
    return min(found, key=lambda match: match.start())[1].rstrip("# \t") if found else ""


_READERS: dict[str, Callable[[bytes], Reading]] = {
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".mdx": _read_markdown,
    ".txt": _read_prose,
    ".rst": _read_prose,
    ".html": _read_html,
    ".htm": _read_html,
    ".xhtml": _read_html,
    ".json": _read_json,
    ".geojson": _read_json,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".pdf": _read_pdf,
}

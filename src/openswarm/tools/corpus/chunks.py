"""Cutting text at its natural boundaries: sections, paragraphs, lines, sentences, words.

The pieces joined give back the text. Knows nothing of files or of search.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

CHUNK_BYTES = 500
MAX_CHUNK_BYTES = 800

Kind = Literal["prose", "sections", "records"]
"""How a text is built: running text, text under `#` headings, or a record on each line."""

_BOUNDARIES = (
    re.compile(r"(?<=\n)\s*\n"),
    re.compile(r"(?<=\n)"),
    re.compile(r"(?<=[.!?;。！？])\s+"),
    re.compile(r"\s+"),
)
"""Where a piece may end, the best first; the white space stays with the piece before it."""
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_FENCE = ("```", "~~~")


class Chunk(NamedTuple):
    """A piece of a document. `offset` is in bytes of UTF-8 from the start of the document."""

    offset: int
    heading: str
    text: str


def size_of(text: str) -> int:
    """The size of a text in bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def chunks(text: str, kind: Kind) -> Iterator[Chunk]:
    """The chunks of a document, each with the headings that it stands under."""
    for section in sections(text, kind):
        yield from pieces(section, CHUNK_BYTES, MAX_CHUNK_BYTES)


def sections(text: str, kind: Kind) -> Iterator[Chunk]:
    """The parts under one heading, with the trail of headings (`Chile > Economy`).

    Headings that follow each other at once begin one section. Only `sections` text has headings.
    """
    if kind != "sections":
        yield Chunk(0, "", text)
        return
    trail: list[tuple[int, str]] = []
    offset = start = end = 0
    has_body = in_code = False
    for line in text.splitlines(keepends=True):
        in_code ^= line.lstrip().startswith(_FENCE)
        match = None if in_code else _HEADING.match(line)
        if match and has_body:
            yield Chunk(offset, _path(trail), text[start:end])
            offset += size_of(text[start:end])
            start, has_body = end, False
        if match:
            level = len(match[1])
            trail = [entry for entry in trail if entry[0] < level]
            trail.append((level, match[2].rstrip("# \t\r\n")))
        end += len(line)
        has_body = has_body or not (match or line.isspace())
    if start < end:
        yield Chunk(offset, _path(trail), text[start:end])


def pieces(section: Chunk, target: int, most: int) -> Iterator[Chunk]:
    """A section cut into pieces of about `target` and at most `most` bytes."""
    offset = section.offset
    for text in cut(section.text, target, most):
        yield Chunk(offset, section.heading, text)
        offset += size_of(text)


def cut(text: str, target: int = CHUNK_BYTES, most: int = MAX_CHUNK_BYTES) -> list[str]:
    """The text in pieces of about `target` and at most `most` bytes of UTF-8.

    A boundary is never inside a word, unless the word alone is longer than `most`.
    """
    return list(_packed(_atoms(text, most), target))


def _atoms(text: str, most: int, level: int = 0) -> Iterator[str]:
    """Pieces of at most `most` bytes, each cut at the best boundary that makes it so small."""
    if not text:
        return
    if len(text) <= most and size_of(text) <= most:
        yield text
    elif level == len(_BOUNDARIES):
        # no character is longer than four bytes
        step = max(most // 4, 1)
        yield from (text[start : start + step] for start in range(0, len(text), step))
    else:
        start = 0
        for boundary in _BOUNDARIES[level].finditer(text):
            yield from _atoms(text[start : boundary.end()], most, level + 1)
            start = boundary.end()
        yield from _atoms(text[start:], most, level + 1)


def _packed(atoms: Iterable[str], target: int) -> Iterator[str]:
    """Neighbours put together as long as they stay within `target`."""
    parts: list[str] = []
    size = 0
    for atom in atoms:
        more = size_of(atom)
        if parts and size + more > target:
            yield "".join(parts)
            parts, size = [], 0
        parts.append(atom)
        size += more
    if parts:
        yield "".join(parts)


def _path(trail: list[tuple[int, str]]) -> str:
    return " > ".join(name for _, name in trail)

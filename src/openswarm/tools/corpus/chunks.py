"""Cutting text at its natural boundaries: paragraphs, lines, sentences, words.

The pieces joined give back the text. Knows nothing of documents or of search.
"""

import re
from collections.abc import Iterable, Iterator

CHUNK_BYTES = 500
MAX_CHUNK_BYTES = 800

_BOUNDARIES = (
    re.compile(r"(?<=\n)\s*\n"),
    re.compile(r"(?<=\n)"),
    re.compile(r"(?<=[.!?;。！？])\s+"),
    re.compile(r"\s+"),
)
"""Where a piece may end, the best first; the white space stays with the piece before it."""


def cut(text: str, target: int = CHUNK_BYTES, most: int = MAX_CHUNK_BYTES) -> list[str]:
    """The text in pieces of about `target` and at most `most` bytes of UTF-8.

    A boundary is never inside a word, unless the word alone is longer than `most`.
    """
    return list(_packed(_atoms(text, most), target))


def _atoms(text: str, most: int, level: int = 0) -> Iterator[str]:
    """Pieces of at most `most` bytes, each cut at the best boundary that makes it so small."""
    if len(text) <= most and len(text.encode()) <= most:
        if text:
            yield text
    elif level == len(_BOUNDARIES):
        # most // 4 characters are at most `most` bytes
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
    piece, size = "", 0
    for atom in atoms:
        bytes_ = len(atom.encode())
        if piece and size + bytes_ > target:
            yield piece
            piece, size = "", 0
        piece += atom
        size += bytes_
    if piece:
        yield piece

"""Where a value stands in what a sub-agent read: the check behind every citation."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from openswarm.core.contract import MAX_QUOTE_CHARS, PLAIN_MARKS, Column
from openswarm.tools.documents import Document, fenced

_WORD = re.compile(r"\w+")
_SEPARATOR = re.compile("(?<=\\d)[,\u00a0\u2009\u202f ](?=\\d{3}\\b)")
_NUMBER = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A quote and its source; `verified` when the quote occurs there."""

    source: str
    quote: str
    verified: bool
    shows_value: bool = False
    """Whether the value stands in the quote as it is written."""


def documents_read(readings: Iterable[tuple[str, str]]) -> list[Document]:
    """The documents in what an agent was given to read (`Conversation.readings`).

    What a tool returned without naming documents is one document, called like the tool.
    """
    documents: list[Document] = []
    for name, text in readings:
        inside = list(fenced(text))
        documents += inside or [Document(name, text)]
    return documents


def find_evidence(
    raw: str,
    value: str,
    source: str,
    quote: str,
    column: Column,
    documents: Sequence[Document],
) -> Evidence:
    """The given quote, verified if it occurs in a document; without one, the line that shows the
    value best. `raw` is the value as it was handed in, `value` its normal form."""
    ordered = sorted(documents, key=lambda document: document.source != source)
    folded = _fold(quote)
    if folded:
        for document in ordered:
            if folded in _fold(document.text):
                shown = any(
                    p.search(folded) for text in (raw, value) for p in _patterns(text, column)
                )
                return Evidence(document.source, quote, verified=True, shows_value=shown)
        return Evidence(source, quote, verified=False)
    lines = (_best_line(text, column, ordered) for text in dict.fromkeys((raw, value)))
    return next(filter(None, lines), None) or Evidence(source, quote, verified=False)


def _best_line(value: str, column: Column, documents: Sequence[Document]) -> Evidence | None:
    """The line with the value in it that is most about the column: long ones say much else."""
    about = set(_WORD.findall(_fold(f"{column.name} {column.definition}")))
    lines = [(d.source, line, folded) for d in documents for line, folded in _lines(d.text)]
    for pattern in _patterns(value, column):
        hits = [entry for entry in lines if pattern.search(entry[2])]
        if hits:
            source, line, _ = max(hits, key=lambda hit: _closeness(about, _WORD.findall(hit[2])))
            return Evidence(source, _around(line, value), verified=True, shows_value=True)
    return None


def _closeness(about: set[str], words: Sequence[str]) -> float:
    return len(about.intersection(words)) / math.sqrt(len(words) or 1)


def _patterns(value: str, column: Column) -> list[re.Pattern[str]]:
    """What to look for: the value; of a number with words around it, the number alone."""
    folded = _fold(value)
    texts = [folded]
    number = _NUMBER.search(folded)
    if number is not None and column.type == "number":
        texts.append(number[0].rstrip(".,"))
    return [re.compile(rf"(?<!\w){re.escape(text)}(?!\w)") for text in texts]


@lru_cache(maxsize=1024)
def _lines(text: str) -> tuple[tuple[str, str], ...]:
    """The lines of a page as they are and folded: each page is asked for many values."""
    return tuple((line, _fold(line)) for line in text.splitlines() if line.strip())


def _fold(text: str) -> str:
    """Case, white space, typographic marks and thousands separators do not count."""
    return " ".join(_SEPARATOR.sub("", text.casefold().translate(PLAIN_MARKS)).split())


def _around(line: str, value: str) -> str:
    """The line, or the part of a long one that has the value in it."""
    line = line.strip()
    if len(line) <= MAX_QUOTE_CHARS:
        return line
    at = max(0, line.casefold().find(value.casefold()[:40]) - MAX_QUOTE_CHARS // 3)
    return line[at : at + MAX_QUOTE_CHARS].strip()

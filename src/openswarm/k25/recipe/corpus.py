"""Plain text that comes with Python: the language reference and the standard library's docstrings.

Owns how they are cut into documents and split. The order is the same for the same Python.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain

from openswarm.k25.python_texts import docstrings, topics
from openswarm.k25.recipe.draws import Split, is_held_out

DOCUMENT_CHARS = 1200
"""About 400 tokens: a document fits into a row of training."""
SHORTEST = 80
MAX_FILE_BYTES = 400_000
PASSED_OVER = {
    "test",
    "tests",
    "idlelib",
    "site-packages",
    "__pycache__",
    "encodings",
    "pydoc_data",
}


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents of one split, in a fixed order."""

    documents: tuple[str, ...]


@cache
def corpus(split: Split) -> Corpus:
    """All documents of a split."""
    kept = (text for text in _found() if is_held_out(text) == (split == "held-out"))
    return Corpus(tuple(kept))


@cache
def _found() -> tuple[str, ...]:
    """Every document once. Reading the standard library takes seconds."""
    texts = chain(topics(), docstrings(PASSED_OVER, MAX_FILE_BYTES))
    documents = (part for text in texts for part in cut(text) if len(part) >= SHORTEST)
    return tuple(dict.fromkeys(documents))


def cut(text: str, limit: int = DOCUMENT_CHARS) -> Iterator[str]:
    """Cuts a text into documents at empty lines, each of about `limit` characters at most."""
    held = ""
    for paragraph in text.split("\n\n"):
        if held and len(held) + len(paragraph) > limit:
            yield held
            held = ""
        held = f"{held}\n\n{paragraph}" if held else paragraph.strip("\n")
        while len(held) > limit:
            end = max(held.rfind("\n", 1, limit), held.rfind(" ", 1, limit))
            end = end if end > 0 else limit
            yield held[:end]
            held = held[end:].lstrip("\n ")
    if held.strip():
        yield held

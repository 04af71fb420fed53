"""Plain text that comes with Python: the language reference and the standard library's docstrings.

Reads source files and runs none of them. The order is the same for the same Python.
"""

import ast
import inspect
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from pydoc_data import topics

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

    def document(self, number: int) -> str:
        """Document of this number; after the last one the first comes again."""
        return self.documents[number % len(self.documents)]


@cache
def corpus(split: Split) -> Corpus:
    """All documents of a split."""
    kept = (text for text in _found() if is_held_out(text) == (split == "held-out"))
    return Corpus(tuple(kept))


@cache
def _found() -> tuple[str, ...]:
    """Every document once. Reading the standard library takes seconds."""
    return tuple(dict.fromkeys(chain(_topics(), _docstrings())))


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


def _topics() -> Iterator[str]:
    for name in sorted(topics.topics):
        yield from (text for text in cut(topics.topics[name]) if len(text) >= SHORTEST)


def _docstrings() -> Iterator[str]:
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        if PASSED_OVER.isdisjoint(path.relative_to(root).parts):
            yield from _docstrings_of(path)


def _docstrings_of(path: Path) -> Iterator[str]:
    """Docstrings of one file; a file that is too long or is no Python has none."""
    if path.stat().st_size > MAX_FILE_BYTES:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = inspect.cleandoc(ast.get_docstring(node, clean=False) or "")
            yield from (part for part in cut(text) if len(part) >= SHORTEST)

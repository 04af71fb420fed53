"""Which files a working copy has whose path fits a pattern; what tools made by the thousand is
passed over unless the pattern names it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from fnmatch import translate
from functools import cached_property
from itertools import count
from typing import NamedTuple

from openswarm.core.errors import ToolError
from openswarm.tools.files.finding import MOST_PARTS, Parts
from openswarm.tools.files.merged import Entry, Folder

SKIPPED = (
    ".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".tox", ".mypy_cache",
    ".pytest_cache", ".ruff_cache",
)  # fmt: skip
"""Folders that are only searched when a pattern names them."""
MOST_VISITED = 200_000
MOST_ALTERNATIVES = 64
DEEP = "**"


class Visit(NamedTuple):
    """A file on the way."""

    path: Parts
    folder: Folder
    """Open until the next visit."""
    entry: Entry


class Pattern:
    """A glob: `*` and `?` within a name, `**` for any folders, `{a,b}` for either."""

    def __init__(self, *texts: str) -> None:
        """A path fits if it fits any of the texts. Raises `ToolError` if one cannot be used."""
        if any(text.startswith(("/", "~")) or ".." in text.split("/") for text in texts):
            raise ToolError("a pattern begins in the folder: no `/`, `~` or `..` in it")
        self._texts = [_segments(entry) for text in texts for entry in alternatives(text)]

    @cached_property
    def _compiled(self) -> list[list[re.Pattern[str] | None]]:
        return [
            [None if part == DEEP else re.compile(translate(part)) for part in segments]
            for segments in self._texts
        ]

    def fits(self, path: Parts) -> bool:
        """Whether the whole path fits."""
        return any(len(path) in _reached(parts, path) for parts in self._compiled)

    def may_lead(self, folder: Parts) -> bool:
        """Whether a path below the folder may fit."""
        names = set(folder) & set(SKIPPED)
        if any(not any(name in segments for segments in self._texts) for name in names):
            return False
        return any(_reaches(parts, folder) for parts in self._compiled)


def _segments(text: str) -> list[str]:
    """The names of a pattern. One without a folder is looked for in all of them."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if "/" not in text and text != DEEP:
        return [DEEP, *parts]
    if parts and parts[-1] == DEEP:
        parts.append("*")
    return [part for at, part in enumerate(parts) if part != DEEP or parts[at - 1 : at] != [DEEP]]


def alternatives(text: str) -> list[str]:
    """The patterns that one with `{a,b}` stands for. Raises `ToolError` for too many."""
    texts = [text]
    while match := re.search(r"\{([^{}]*)\}", texts[0]):
        choices = match[1].split(",")
        texts = [entry.replace(match[0], choice, 1) for entry in texts for choice in choices]
        if len(texts) > MOST_ALTERNATIVES:
            raise ToolError("the pattern has too many alternatives in {}; use a simpler one")
    return texts


def _reached(parts: Sequence[re.Pattern[str] | None], path: Parts) -> set[int]:
    """How many names of the path the whole pattern may have used up."""
    places = {0}
    for part in parts:
        if part is None:
            places = set(range(min(places), len(path) + 1)) if places else set()
        else:
            places = {at + 1 for at in places if at < len(path) and part.match(path[at])}
    return places


def _reaches(parts: Sequence[re.Pattern[str] | None], folder: Parts) -> bool:
    """Whether a beginning of the pattern fits the folder, with some of the pattern left."""
    for used, part in enumerate(parts):
        if part is None:
            return True
        if used < len(folder) and not part.match(folder[used]):
            return False
    return len(folder) < len(parts)


def walk(top: Folder, pattern: Pattern) -> Iterator[Visit]:
    """The files and links below a folder whose path fits, in order of their paths.

    Links are not followed. Raises `ToolError` when there is too much to look at.
    """
    yield from _walk(top, pattern, (), count(1))


def _walk(
    folder: Folder, pattern: Pattern, above: Parts, visited: Iterator[int]
) -> Iterator[Visit]:
    for name, entry in folder.entries():
        if next(visited) > MOST_VISITED:
            raise ToolError("there are too many files here; begin the pattern with a folder")
        path = (*above, name)
        if not entry.is_folder:
            if pattern.fits(path):
                yield Visit(path, folder, entry)
        elif len(path) < MOST_PARTS and pattern.may_lead(path):
            try:
                below = folder.enter(name)
            except OSError:
                continue
            with closing(below):
                yield from _walk(below, pattern, path, visited)

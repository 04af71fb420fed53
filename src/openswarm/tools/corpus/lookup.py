"""Which document is meant: by its subject, or by a document name as a model wrote it."""

import difflib
import re
from pathlib import PurePosixPath

from openswarm.core.errors import ToolError
from openswarm.tools.corpus.index import About, Index, Row
from openswarm.tools.corpus.words import fold, match_expression, telling_words

CANDIDATES = 50
FEW = 3
"""What more documents have in their names or openings tells none of them apart."""
CLOSEST = 5
MAX_COMPARED = 5_000

_PARTS = re.compile(r"[(),:;/|–—]| or ")
"""What sets a name off from what else is said with it."""


def find_document(index: Index, item: str) -> Row | None:
    """The document about an item, or None if none is clearly about it.

    In this order: a title, file stem or other name that is the item; a title that contains it;
    path and other names that contain it; a name that is a part of the item, set off by brackets
    or commas; an opening that has the item as a phrase. A name that is merely alike is another
    name: Austria is not Australia.
    """
    candidates = _with_all_words(index, item)
    wanted = _word_set(item)
    exact = _named(candidates, wanted)
    if exact:
        return exact
    titled = [about for about in candidates if wanted <= _word_set(about.document.title)]
    if titled:
        return min(titled, key=lambda about: len(_word_set(about.document.title))).document
    if 0 < len(candidates) <= FEW:
        return candidates[0].document
    parts = (_named(_with_all_words(index, part), _word_set(part)) for part in _PARTS.split(item))
    phrase = match_expression(item, "+")
    opened = index.about(f"opening : {phrase}", FEW + 1) if phrase else []
    return next(filter(None, parts), None) or (
        opened[0].document if 0 < len(opened) <= FEW else None
    )


def _with_all_words(index: Index, item: str) -> list[About]:
    """The documents whose title, path and other names have all words of an item."""
    expression = match_expression(item)
    return index.about(f"{{title names}} : ({expression})", CANDIDATES) if expression else []


def _named(candidates: list[About], wanted: frozenset[str]) -> Row | None:
    """The document that has the words as a name; a title goes before other names."""
    for about in candidates:
        if _word_set(about.document.title) == wanted:
            return about.document
    for about in candidates:
        path, *others = about.names
        names = [PurePosixPath(path).stem, *others, *(p for o in others for p in _PARTS.split(o))]
        if wanted in map(_word_set, names):
            return about.document
    return None


def _word_set(text: str) -> frozenset[str]:
    return frozenset(telling_words(text))


def named_document(index: Index, name: str) -> Row:
    """The document that a model names. Raises `ToolError` with the names that come closest.

    A name without its folder or suffix, in another case, or the title will do, if only one
    document fits.
    """
    name = name.strip()
    exact = index.document(name) or index.document(name.rpartition("#")[0])
    if exact:
        return exact
    wanted = fold(name.rpartition("#")[0] or name)
    every = index.documents()
    fitting = [row for row in every if wanted in _spellings(row)]
    if len(fitting) == 1:
        return fitting[0]
    closest = [row.name for row in fitting] or _closest(index, every, wanted[:200])
    advice = f"Do you mean {', '.join(closest[:CLOSEST])}?" if closest else "Search for it first."
    raise ToolError(f"There is no document {name[:200]!r}. {advice}")


def _spellings(row: Row) -> set[str]:
    path = PurePosixPath(row.name)
    return {fold(text) for text in (row.name, path.name, path.stem, row.title)}


def _closest(index: Index, every: list[Row], name: str) -> list[str]:
    """Names that a model may have meant: the subject's first, then those that are spelt alike."""
    subject = find_document(index, PurePosixPath(name).stem)
    names = [row.name for row in every[:MAX_COMPARED]]
    spelt = difflib.get_close_matches(name, names, n=CLOSEST, cutoff=0.4)
    return list(dict.fromkeys([subject.name, *spelt] if subject else spelt))

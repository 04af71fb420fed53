"""Which document is meant: by its subject, or by a document name as a model wrote it."""

import difflib
from pathlib import PurePosixPath

from openswarm.core.errors import ToolError
from openswarm.tools.corpus.index import About, Index, Row
from openswarm.tools.corpus.words import fold, match_expression, telling_words

CANDIDATES = 50
FEW = 3
"""A phrase that more documents open with tells none of them apart."""
CLOSEST = 5
MAX_COMPARED = 20_000


def find_document(index: Index, item: str) -> Row | None:
    """The document about an item, or None if none is clearly about it.

    In this order: a title, file stem or other name that is the item or contains it; a title that
    the item contains; an opening that has the item as a phrase; a title with a typing error.
    """
    wanted = frozenset(telling_words(item))
    if not wanted:
        return None
    every = match_expression(item)
    named = index.about(f"{{title names}} : ({every})", CANDIDATES)
    if named:
        return max(named, key=lambda about: _closeness(about, wanted)).document
    some = match_expression(item, "OR")
    within = [
        (len(title), about.document)
        for about in index.about(f"{{title names}} : ({some})", CANDIDATES)
        if (title := frozenset(telling_words(about.document.title))) <= wanted
    ]
    if within:
        return max(within, key=lambda entry: entry[0])[1]
    phrase = " + ".join(every.split(" AND "))
    opened = index.about(f"opening : {phrase}", FEW + 1)
    if 0 < len(opened) <= FEW:
        return opened[0].document
    return _misspelt(index, item)


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
    closest = [row.name for row in fitting] or _closest(index, every, wanted)
    advice = f"Do you mean {', '.join(closest[:CLOSEST])}?" if closest else "Search for it first."
    raise ToolError(f"There is no document {name[:200]!r}. {advice}")


def _closeness(about: About, wanted: frozenset[str]) -> tuple[float, bool]:
    """How much of one of the document's names is the item; the title goes before other names."""
    title, *others = _names(about)
    in_title = _overlap(title, wanted)
    in_others = max(_overlap(name, wanted) for name in others)
    return max(in_title, in_others), in_title >= in_others


def _names(about: About) -> list[str]:
    path, *others = about.names
    return [about.document.title, PurePosixPath(path).stem, *others]


def _overlap(name: str, wanted: frozenset[str]) -> float:
    found = frozenset(telling_words(name))
    return len(found & wanted) / len(found | wanted)


def _misspelt(index: Index, item: str) -> Row | None:
    titles = {fold(row.title): row for row in index.documents()[:MAX_COMPARED]}
    close = difflib.get_close_matches(fold(item), titles, n=1, cutoff=0.85)
    return titles[close[0]] if close else None


def _spellings(row: Row) -> set[str]:
    path = PurePosixPath(row.name)
    return {fold(text) for text in (row.name, path.name, path.stem, row.title)}


def _closest(index: Index, every: list[Row], name: str) -> list[str]:
    """Names that a model may have meant: the subject's first, then those that are spelt alike."""
    subject = find_document(index, PurePosixPath(name).stem)
    names = [row.name for row in every[:MAX_COMPARED]]
    spelt = difflib.get_close_matches(name, names, n=CLOSEST, cutoff=0.4)
    return list(dict.fromkeys([subject.name, *spelt] if subject else spelt))

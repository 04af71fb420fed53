"""Which documents a text names: by the full name, its stem, or what the document is about.

A name inside a longer one names nothing: Guinea is not named by Papua New Guinea. A stem that
several documents share names none of them. Owns names, lists of names and the search for them; a
text is looked through once, however many documents there are. Knows no run.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

LOOKED_AT = 20_000
"""Characters of a text in which names are looked for."""
MAX_FORM = 160
"""Characters of a name, or stem, that is looked for."""
FILE_NAME = re.compile(r"(?<!\w)\w[\w.,'()+&-]{0,160}\.(?:md|txt|html|json|csv|pdf)\b")
_LISTED = re.compile(r"(?:Some of them|Documents): ([^\n]+)")
_PIECE = re.compile(r"\w+|\W")


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the run."""

    name: str
    item: str
    """What it is about, as the question writes it, or made of its name."""
    named: bool = False
    """Whether the question names it."""


@dataclass(frozen=True, slots=True, order=True)
class Naming:
    """Where a text names a document."""

    form: int
    """0 by the full name, 1 by the stem, 2 by what it is about."""
    start: int
    words: str
    """As the text writes it."""


@dataclass(slots=True)
class _Node:
    """A beginning of names, piece by piece."""

    following: dict[str, "_Node"] = field(default_factory=dict)
    ends: bool = False
    """Whether a name ends here."""
    owner: tuple[int, int] | None = None
    """The place of the document and the form; None where several share the name."""


class Names:
    """The names of some documents, to be looked for."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._root = _Node()
        owners: dict[tuple[str, ...], dict[int, int]] = {}
        for place, document in enumerate(documents):
            for form, name in enumerate((document.name, _stem(document.name), document.item)):
                if 0 < len(name) <= MAX_FORM:
                    pieces = tuple(_PIECE.findall(name.lower()))
                    owners.setdefault(pieces, {}).setdefault(place, form)
        for pieces, forms in owners.items():
            node = self._root
            for piece in pieces:
                node = node.following.setdefault(piece, _Node())
            full = [place for place, form in forms.items() if form == 0]
            own = full or list(forms)
            node.ends = True
            node.owner = (own[0], forms[own[0]]) if len(own) == 1 else None

    def find(self, text: str) -> dict[int, Naming]:
        """The documents that a text names, by their places; of each its fullest, first naming."""
        pieces = _PIECE.findall(text[:LOOKED_AT])
        lower = [piece.lower() for piece in pieces]
        found: dict[int, Naming] = {}
        start = reach = 0
        for place, piece in enumerate(pieces):
            end, owner = self._longest(lower, place)
            if end > reach:
                reach = end
                if owner is not None:
                    naming = Naming(owner[1], start, "".join(pieces[place:end]))
                    found[owner[0]] = min(found.get(owner[0], naming), naming)
            start += len(piece)
        return found

    def only(self, text: str) -> int | None:
        """The place of the one document that a text names in the fullest form; None if none."""
        found = self.find(text)
        fullest = min((naming.form for naming in found.values()), default=0)
        places = [place for place, naming in found.items() if naming.form == fullest]
        return places[0] if len(places) == 1 else None

    def _longest(self, pieces: Sequence[str], place: int) -> tuple[int, tuple[int, int] | None]:
        """Where the longest name that begins at a place ends, and whose it is; 0 if none does."""
        node, end, owner = self._root, 0, None
        if place and _is_word(pieces[place - 1]):
            return end, owner
        for at in range(place, len(pieces)):
            following = node.following.get(pieces[at])
            if following is None:
                break
            node = following
            if node.ends and not (at + 1 < len(pieces) and _is_word(pieces[at + 1])):
                end, owner = at + 1, node.owner
        return end, owner


def listed(text: str) -> list[str]:
    """The documents that a text lists."""
    found = _LISTED.search(text)
    names = (name.strip() for name in found[1].rstrip(".").split(";")) if found else ()
    return [name for name in names if name]


def without_list(text: str) -> str:
    """A text without its lists of documents."""
    return _LISTED.sub("", text)


def folded(name: str) -> str:
    """A name for comparison as briefs are compared: case and white space do not count."""
    return " ".join(name.casefold().split())


def item_of(name: str) -> str:
    """What a document is about, made of its name."""
    words = _stem(name).replace("_", " ").replace("-", " ").split()
    return " ".join(word if any(map(str.isupper, word)) else word.capitalize() for word in words)


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _is_word(piece: str) -> bool:
    return piece[0].isalnum() or piece[0] == "_"

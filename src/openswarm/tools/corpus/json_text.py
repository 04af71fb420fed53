"""JSON as lines that a model can read and quote, and the name of what a JSON document is about.

`{"Area": {"total": {"text": "756,102 sq km"}}}` becomes `Area > total: 756,102 sq km`: one leaf
a line, keys joined by ` > `. A list of plain values is one line; a small object of plain values
inside a list is one row, `key: value; key: value`.
"""

import html
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

MAX_DEPTH = 24
MAX_KEY_CHARS = 120
MAX_ROW_CHARS = 400
MAX_NAME_CHARS = 120
MAX_NAMES = 12

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>")
_CARRIERS = frozenset({"text", "value", "#text", "_text", "$t", "@value"})
"""Keys that only carry the value of the key above them."""
_NAME_KEYS = ("title", "name", "label")
_NAME_WORD = re.compile(r"\b(?:title|name|label)\b", re.IGNORECASE)
_SHORT = re.compile(r"\bshort", re.IGNORECASE)
_NO_NAME = frozenset({"", "none", "n/a", "na", "null", "unknown", "untitled", "yes", "no"})

Path = tuple[str, ...]
"""The keys that lead to a value."""


class Leaf(NamedTuple):
    """One line: a path, and the value as text."""

    path: Path
    value: str


def load(text: str) -> Any:
    """The JSON value, numbers as they were written. Raises ValueError, also on deep nesting."""
    try:
        return json.loads(text, strict=False, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def lines(value: Any) -> Iterator[str]:
    """The lines of a JSON value."""
    for leaf in leaves(value):
        yield " > ".join(leaf.path) + (": " if leaf.path else "") + leaf.value


def leaves(value: Any) -> Iterator[Leaf]:
    """The leaves in document order; empty values are left out."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Leaf):
            yield value
        elif isinstance(value, dict | list) and len(path) < MAX_DEPTH:
            waiting.extend(reversed(_children(path, value)))
        else:
            text = plain(json.dumps(value) if isinstance(value, dict | list) else value)
            if text:
                yield Leaf(path, text)


def names(value: Any) -> list[str]:
    """What a JSON document calls its subject, the best name first; empty if it does not say.

    A `title`, `name` or `label` at the top wins. Otherwise the names are the short values nearest
    to the top that stand under a key with one of these words, the first such group in the
    document; inside it a short form goes first. What stands in a list is a part, not the subject.
    """
    if not isinstance(value, dict):
        return []
    folded = {key.casefold(): entry for key, entry in value.items()}
    top = [plain(folded[key]) for key in _NAME_KEYS if _is_plain(folded.get(key))]
    if any(top):
        return [name for name in top if name]
    found = list(_naming_leaves(value))
    if not found:
        return []
    first = min(found, key=lambda leaf: len(leaf.path))
    group = [leaf for leaf in found if leaf.path[:-1] == first.path[:-1]]
    group.sort(key=lambda leaf: not _SHORT.search(leaf.path[-1]))
    return list(dict.fromkeys(leaf.value for leaf in group))[:MAX_NAMES]


def plain(value: Any) -> str:
    """A plain value as one line of text: tags and entities of HTML resolved, spaces folded."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    text = str(value)
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "&" in text:
        text = html.unescape(text)
    return " ".join(text.split())


def _children(path: Path, value: dict[str, Any] | list[Any]) -> list[tuple[Path, Any]]:
    """What stands under a path, in order; what is a line already is a `Leaf`."""
    if isinstance(value, dict):
        return [(_below(path, key, entry), entry) for key, entry in value.items()]
    if all(_is_plain(entry) for entry in value):
        text = "; ".join(filter(None, map(plain, value)))
        return [(path, Leaf(path, text))] if text else []
    children: list[tuple[Path, Any]] = []
    for number, entry in enumerate(value, 1):
        row = _row(entry)
        children.append((path, Leaf(path, row)) if row else ((*path, str(number)), entry))
    return children


def _below(path: Path, key: str, entry: Any) -> Path:
    if key.casefold() in _CARRIERS and not isinstance(entry, dict):
        return path
    return (*path, plain(key)[:MAX_KEY_CHARS])


def _naming_leaves(value: dict[str, Any]) -> Iterator[Leaf]:
    """The names in a tree, in document order."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict) and len(path) < MAX_DEPTH:
            waiting.extend(reversed(_children(path, value)))
        elif _is_plain(value) and any(map(_NAME_WORD.search, path[-2:])):
            name = _name(plain(value))
            if name:
                yield Leaf(path, name)


def _row(entry: Any) -> str:
    if not isinstance(entry, dict) or not all(map(_is_plain, entry.values())):
        return ""
    cells = ((plain(key)[:MAX_KEY_CHARS], plain(value)) for key, value in entry.items())
    row = "; ".join(f"{key}: {value}" for key, value in cells if value)
    return row if len(row) <= MAX_ROW_CHARS else ""


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool | int | float)


def _name(value: str) -> str:
    """The value without a remark after a semicolon, or '' if it is no name: none, or a sentence."""
    name = value.partition(";")[0].strip()
    if len(name) > MAX_NAME_CHARS or name.casefold() in _NO_NAME:
        return ""
    is_sentence = name[:1].islower() and name.count(" ") > 4
    return "" if is_sentence else name

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


class Leaf(NamedTuple):
    """One line: the keys that lead to a value, and the value as text."""

    path: tuple[str, ...]
    value: str


def load(text: str) -> Any:
    """The JSON value, numbers as they were written. Raises ValueError, also on deep nesting."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def lines(value: Any) -> Iterator[str]:
    """The lines of a JSON value."""
    for leaf in leaves(value):
        yield " > ".join(leaf.path) + (": " if leaf.path else "") + leaf.value


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """The leaves in document order; empty values are left out."""
    if len(path) >= MAX_DEPTH:
        yield from _leaf(path, json.dumps(value, ensure_ascii=False))
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from leaves(entry, path if _carries(key, entry) else (*path, _key(key)))
    elif isinstance(value, list):
        yield from _list_leaves(value, path)
    else:
        yield from _leaf(path, plain(value))


def names(value: Any) -> list[str]:
    """What a JSON document calls its subject, the best name first; empty if it does not say.

    A `title`, `name` or `label` at the top wins. Otherwise the names are the short values nearest
    to the top that stand under a key with one of these words, the first such group in the
    document; inside it a short form goes first.
    """
    if not isinstance(value, dict):
        return []
    folded = {key.casefold(): entry for key, entry in value.items()}
    top = [plain(folded[key]) for key in _NAME_KEYS if _is_plain(folded.get(key))]
    if any(top):
        return [name for name in top if name]
    found = [leaf for leaf in leaves(_without_lists(value)) if _is_naming(leaf)]
    if not found:
        return []
    first = min(found, key=lambda leaf: len(leaf.path))
    group = [leaf for leaf in found if leaf.path[:-1] == first.path[:-1]]
    group.sort(key=lambda leaf: not _SHORT.search(leaf.path[-1]))
    return list(dict.fromkeys(_name(leaf.value) for leaf in group))[:MAX_NAMES]


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


def _list_leaves(entries: list[Any], path: tuple[str, ...]) -> Iterator[Leaf]:
    if all(_is_plain(entry) for entry in entries):
        yield from _leaf(path, "; ".join(filter(None, map(plain, entries))))
        return
    for number, entry in enumerate(entries, 1):
        row = _row(entry)
        if row:
            yield Leaf(path, row)
        else:
            yield from leaves(entry, (*path, str(number)))


def _row(entry: Any) -> str:
    if not isinstance(entry, dict) or not all(map(_is_plain, entry.values())):
        return ""
    cells = ((_key(key), plain(value)) for key, value in entry.items())
    row = "; ".join(f"{key}: {value}" for key, value in cells if value)
    return row if len(row) <= MAX_ROW_CHARS else ""


def _leaf(path: tuple[str, ...], value: str) -> Iterator[Leaf]:
    if value:
        yield Leaf(path, value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool | int | float)


def _carries(key: str, entry: Any) -> bool:
    return key.casefold() in _CARRIERS and not isinstance(entry, dict)


def _key(key: str) -> str:
    return plain(key)[:MAX_KEY_CHARS]


def _without_lists(value: Any, depth: int = 0) -> Any:
    """The tree without its lists: what a list names are parts, not the subject."""
    if not isinstance(value, dict) or depth >= MAX_DEPTH:
        return None if isinstance(value, list | dict) else value
    return {key: _without_lists(entry, depth + 1) for key, entry in value.items()}


def _is_naming(leaf: Leaf) -> bool:
    return any(map(_NAME_WORD.search, leaf.path[-2:])) and bool(_name(leaf.value))


def _name(value: str) -> str:
    """The value without a remark after a semicolon, or '' if it is no name: none, or a sentence."""
    name = value.partition(";")[0].strip()
    if len(name) > MAX_NAME_CHARS or name.casefold() in _NO_NAME:
        return ""
    is_sentence = name[:1].islower() and name.count(" ") > 4
    return "" if is_sentence else name

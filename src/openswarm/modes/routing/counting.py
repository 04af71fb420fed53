"""How many independent items a task names or counts, and where in it that stands.

Lists are found by their commas, semicolons and line ends, counts by their numbers and words, sets
by their names. All of it is linear in the text and looks at a bounded part of it.
"""

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from openswarm.modes.routing.lexicon import NUMBER_WORDS, UNITS, sets

COUNTED_TEXT = 16_000
"""Characters that are looked at for lists; a thousand short names have room in it."""
COUNTED_NUMBERS = 4000
"""Characters that are looked at for numbers."""
COUNTED_SETS = 1500
"""Characters that are looked at for the names of sets."""
MOST = 2000
"""A larger number counts no work."""
ITEM_WORDS = 5
"""An item of a list has at most so many words."""
LEAST = 3
"""Fewer make no list."""
UNNAMED = 5
"""One list of fewer words that are no names is what is asked, not of whom."""

_SENTENCE = re.compile(r"[!?\n:()]|\.(?=\s|$)|\s[-–—]\s")
_SEPARATOR = re.compile(r"[,;/](?=\s|$|[A-Za-z])")
_ANDS = frozenset(("and", "or", "und", "oder", "et", "ou", "y", "o", "e", "&"))
_AND = re.compile(rf"\s(?:{'|'.join(sorted(_ANDS))})\s")
_BULLET = re.compile(r"^\s*(?:[-*•·]|\d{1,4}[.)])\s+")
_CODE_LINE = re.compile(r"[={}()<>\[\]]|;$|//")
_NUMBER = r"\d{1,4}(?:,\d{3})?|" + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_WORD = r"[^\W\d_][\w'/-]*"
_HOW_MANY = re.compile(
    rf"(?<![\w.,$€£%#/:-])(?:~\s?)?((?i:{_NUMBER}))(?: of)?(?: (?:the|these|our|my))?"
    rf" ({_WORD})(?: ({_WORD}))?(?: ({_WORD}))?"
)
_NO_NOUN = frozenset(
    [
        "and",
        "or",
        "at",
        "in",
        "on",
        "with",
        "from",
        "to",
        "by",
        "of",
        "for",
        "is",
        "are",
        "was",
        "x",
        "mit",
        "von",
        "für",
        "auf",
        "et",
        "de",
        "pour",
        "y",
        "the",
        "a",
        "an",
        "as",
        "if",
        "that",
        "than",
        "please",
        "each",
        "every",
        "all",
        "who",
        "which",
        "what",
        "when",
        "thanks",
        "thx",
        "asap",
    ]
)
"""After these a number stands alone: it is part of a name, or counts nothing."""
_EVERY = re.compile(
    r"(?:all|every|each|any|jede\w*|alle\w*|chaque|cada|tous|of)\W+(?:\w+\W+){0,3}$"
)

Source = Literal["named", "stated", "set", ""]


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted."""

    number: int = 0
    """How many independent items; 0 where the text does not say."""
    source: Source = ""
    what: str = ""
    """What is counted, in the text's own words where it has any."""
    named: int = 0
    """Entries of the longest list that looks like names."""
    stated: int = 0
    """The largest number of things that is written."""
    in_set: int = 0
    """The size of the set that is called by its name."""
    attributes: int = 0
    """Entries of the longest other list: what is asked of each."""


def count_items(text: str) -> Count:
    """The items of a task, each way of counting beside the one that is believed."""
    text = text[:COUNTED_TEXT]
    lists = sorted(_lists(text), key=_rank, reverse=True)
    named = len(lists[0]) if lists else 0
    proper = bool(lists) and _share_of_names(lists[0]) >= 0.5
    is_items = proper or len(lists) > 1 or named >= UNNAMED
    attributes = max((len(entries) for entries in lists[1:]), default=0)
    stated, what = _stated(text)
    set_name, in_set, every = _set(text)
    names = named if is_items else 0
    number, source = _believed(names, stated, in_set, proper=proper, every=every)
    what = {"stated": what, "set": set_name}.get(source, "")
    return Count(number, source, what, named, stated, in_set, attributes)


def _believed(
    names: int, stated: int, in_set: int, *, proper: bool, every: bool
) -> tuple[int, Source]:
    """A whole set before names that are written out, those before numbers, other lists last."""
    if in_set and every and names * 2 < in_set * 3:
        return in_set, "set"
    if proper and names >= LEAST and names * 2 > stated:
        return names, "named"
    if stated >= LEAST:
        return stated, "stated"
    if in_set:
        return in_set, "set"
    return (names, "named") if names >= LEAST else (0, "")


def _rank(entries: list[str]) -> float:
    return len(entries) * (0.4 + _share_of_names(entries))


def _share_of_names(entries: list[str]) -> float:
    """How many entries begin like names: with a capital letter or a digit."""
    likely = sum(not entry[:1].islower() for entry in entries)
    return likely / len(entries)


def _lists(text: str) -> list[list[str]]:
    found = [*_line_lists(text)]
    for sentence in _SENTENCE.split(text):
        if sentence and ("," in sentence or ";" in sentence or "/" in sentence):
            found.extend(_inline_lists(sentence))
    return found


def _line_lists(text: str) -> list[list[str]]:
    """Runs of short lines that are no code; a line without a bullet ends a list with them."""
    lines = text.splitlines()
    if len(lines) < LEAST:
        return []
    runs = groupby(lines, key=_form)
    lists = [[_BULLET.sub("", line).strip() for line in run] for form, run in runs if form]
    return [entries for entries in lists if len(entries) >= LEAST]


def _form(line: str) -> str:
    """Whether a line can be an item of a list, with a bullet or without; or ''."""
    form = "bullet" if _BULLET.match(line) else "plain"
    line = line.strip()
    limit = 12 if form == "bullet" else ITEM_WORDS
    if not 0 < len(line[:200].split()) <= limit or _CODE_LINE.search(line) or line[-1] in ".?!:":
        return ""
    return form


def _inline_lists(sentence: str) -> list[list[str]]:
    """Runs of short parts between separators; the first and the last part may have more words."""
    parts = [part.strip() for part in _SEPARATOR.split(sentence)]
    lists: list[list[str]] = []
    run: list[str] = []
    for number, part in enumerate(parts):
        words = part.split()
        if number == 0:
            run = [" ".join(words[-2:])] if words else []
        elif number == len(parts) - 1 or len(words) > ITEM_WORDS or _has_and(words):
            lists.append([*run, *_last_of(part)])
            run = [" ".join(words[-2:])]
        elif words:
            run.append(part)
    return [entries for entries in lists if len(entries) >= LEAST]


def _has_and(words: list[str]) -> bool:
    return len(words) > 1 and not _ANDS.isdisjoint(words)


def _last_of(part: str) -> list[str]:
    """The items in the part that ends a list: `x and y, which …` has two."""
    pieces = [piece for piece in _AND.split(f" {part} ") if piece.strip()]
    first = pieces[0].split() if pieces else []
    items = [" ".join(first[:3])] if first else []
    if len(pieces) > 1 and len(first) <= ITEM_WORDS:
        items.append(" ".join(pieces[1].split()[:3]))
    return items


def _stated(text: str) -> tuple[int, str]:
    """The largest number that counts things, and the things."""
    best, what = 0, ""
    for match in _HOW_MANY.finditer(text[:COUNTED_NUMBERS]):
        number, words = _number(match[1].lower()), [word for word in match.groups()[1:] if word]
        noun = _counted(words)
        if noun and max(best, LEAST - 1) < number <= MOST and not _is_year(number, match[1]):
            best, what = number, noun
    return best, what


def _counted(words: list[str]) -> str:
    """The things that a number stands before, such as `largest pension funds`; or ''."""
    if words[0] == "in" and words[1:2] in (["all"], ["total"]):
        return "in all"
    if words[0].lower() in _NO_NOUN or words[0].lower() in UNITS:
        return ""
    for length, word in enumerate(words, 1):
        if _is_plural(word):
            return " ".join(words[:length])
        if word.lower() in _NO_NOUN:
            break
    return ""


def _is_plural(word: str) -> bool:
    """By its ending; a capital letter inside a sentence is a German noun's, or a name's."""
    ending = word.lower()
    if ending.endswith("s") and not ending.endswith(("ss", "'s", "us", "is")):
        return len(word) > 3
    if word[0].isupper():
        return ending.endswith(("en", "e", "er", "ern"))
    return ending == "people" or (len(word) > 5 and ending.endswith(("en", "ern")))


def _is_year(number: int, written: str) -> bool:
    return 1900 <= number <= 2100 and written.isdigit()


def _number(written: str) -> int:
    written = written.replace(",", "")
    return int(written) if written.isdigit() else NUMBER_WORDS[written]


def _set(text: str) -> tuple[str, int, bool]:
    """The set that is called by its name, its size, and whether all of it is meant."""
    written = text[:COUNTED_SETS]
    text = written.lower()
    known = sets()
    match = known.pattern.search(text)
    if match is None:
        return "", 0, False
    before = text[max(0, match.start() - 30) : match.start()]
    name = written[match.start() : match.end()] if len(written) == len(text) else match[0]
    return name, known.sizes[(match.lastindex or 1) - 1], _EVERY.search(before) is not None

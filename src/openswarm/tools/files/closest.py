"""The passage of a text that is most like another one, for an edit that found nothing."""

from difflib import SequenceMatcher
from typing import NamedTuple

MOST_LINES = 5_000
LINE_CHARS = 300
PASSAGE_CHARS = 4_000
ALIKE = 0.6


class Passage(NamedTuple):
    """Some lines of a text."""

    line: int
    """The number of the first one, from 1."""
    text: str
    only_space: bool
    """It differs in white space alone."""


def closest(text: str, wanted: str) -> Passage | None:
    """The passage that is most like the wanted text, or None if nothing is."""
    lines = text.split("\n")[:MOST_LINES]
    looked_for = wanted.strip("\n").split("\n")
    size = len(looked_for)
    squeezed = "".join(wanted.split())
    best, best_ratio = -1, ALIKE
    key = max(range(size), key=lambda at: len(looked_for[at].strip()))
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(looked_for[key].strip()[:LINE_CHARS])
    for at, line in enumerate(lines):
        start = max(0, at - key)
        if squeezed and "".join("".join(lines[start : start + size]).split()) == squeezed:
            return _passage(lines, start, size, only_space=True)
        matcher.set_seq1(line.strip()[:LINE_CHARS])
        if matcher.real_quick_ratio() > best_ratio and matcher.quick_ratio() > best_ratio:
            ratio = matcher.ratio()
            if ratio > best_ratio:
                best, best_ratio = start, ratio
    return None if best < 0 else _passage(lines, best, size, only_space=False)


def _passage(lines: list[str], start: int, size: int, *, only_space: bool) -> Passage:
    text = "\n".join(lines[start : start + size])[:PASSAGE_CHARS]
    return Passage(start + 1, text, only_space)

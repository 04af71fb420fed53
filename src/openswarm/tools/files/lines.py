"""Comparing and merging texts line by line.

Owns how lines are matched: lines that occur once in both texts are anchors (patience), and what
lies between two anchors is matched by difflib where that is cheap. So the time is bounded for any
texts, and a match is always a true one, though it may not be the longest.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

CHEAP = 250_000
"""Pairs of lines between two anchors that difflib is given at most."""

Lines = Sequence[str]


class Block(NamedTuple):
    """`size` lines that are equal, from `a` in the one text and from `b` in the other."""

    a: int
    b: int
    size: int


def lines_of(text: str) -> list[str]:
    """The lines with their ends; only `\n` ends one."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def matching(a: Lines, b: Lines) -> list[Block]:
    """The blocks of equal lines, in order; the last one is empty and lies at both ends."""
    found: list[Block] = []
    for block in (*_between(a, b, (0, len(a)), (0, len(b))), Block(len(a), len(b), 0)):
        last = found[-1] if found else Block(0, 0, 0)
        if block.size and found and (last.a + last.size, last.b + last.size) == block[:2]:
            found[-1] = Block(last.a, last.b, last.size + block.size)
        else:
            found.append(block)
    return found


def _between(a: Lines, b: Lines, in_a: tuple[int, int], in_b: tuple[int, int]) -> Iterator[Block]:
    """The blocks between two pairs of positions: the equal beginning and end, and what anchors
    and difflib find in the middle."""
    start_a, end_a = in_a
    start_b, end_b = in_b
    head = _equal(a, b, start_a, start_b, 1, min(end_a - start_a, end_b - start_b))
    start_a, start_b = start_a + head, start_b + head
    tail = _equal(a, b, end_a - 1, end_b - 1, -1, min(end_a - start_a, end_b - start_b))
    end_a, end_b = end_a - tail, end_b - tail
    if head:
        yield Block(start_a - head, start_b - head, head)
    yield from _middle(a, b, (start_a, end_a), (start_b, end_b))
    if tail:
        yield Block(end_a, end_b, tail)


def _equal(a: Lines, b: Lines, at_a: int, at_b: int, step: int, most: int) -> int:
    count = 0
    while count < most and a[at_a + step * count] == b[at_b + step * count]:
        count += 1
    return count


def _middle(a: Lines, b: Lines, in_a: tuple[int, int], in_b: tuple[int, int]) -> Iterator[Block]:
    anchors = _anchors(a[slice(*in_a)], b[slice(*in_b)])
    if not anchors:
        yield from _by_difflib(a, b, in_a, in_b)
        return
    here_a, here_b = in_a[0], in_b[0]
    for offset_a, offset_b in anchors:
        at_a, at_b = in_a[0] + offset_a, in_b[0] + offset_b
        if at_a < here_a or at_b < here_b:
            continue
        yield from _by_difflib(a, b, (here_a, at_a), (here_b, at_b))
        yield Block(at_a, at_b, 1)
        here_a, here_b = at_a + 1, at_b + 1
    yield from _by_difflib(a, b, (here_a, in_a[1]), (here_b, in_b[1]))


def _by_difflib(
    a: Lines, b: Lines, in_a: tuple[int, int], in_b: tuple[int, int]
) -> Iterator[Block]:
    part_a, part_b = a[slice(*in_a)], b[slice(*in_b)]
    if 0 < len(part_a) * len(part_b) <= CHEAP:
        matcher = SequenceMatcher(None, part_a, part_b, autojunk=False)
        for at_a, at_b, size in matcher.get_matching_blocks()[:-1]:
            yield Block(in_a[0] + at_a, in_b[0] + at_b, size)


def _anchors(a: Lines, b: Lines) -> list[tuple[int, int]]:
    """Positions of lines that occur once in both texts, as many as keep their order."""
    once_a, once_b = _once(a), _once(b)
    pairs = [(at, once_b[line]) for line, at in once_a.items() if line in once_b]
    tops: list[int] = []
    top_pairs: list[int] = []
    before: list[int] = []
    for number, (_, at_b) in enumerate(pairs):
        pile = bisect_left(tops, at_b)
        before.append(top_pairs[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [at_b]
        top_pairs[pile : pile + 1] = [number]
    chain: list[tuple[int, int]] = []
    number = top_pairs[-1] if top_pairs else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _once(lines: Lines) -> dict[str, int]:
    counts = Counter(lines)
    return {line: at for at, line in enumerate(lines) if counts[line] == 1}


class Merged(NamedTuple):
    """What became of two texts that were made from one."""

    text: str
    """Both changes; '' when there are conflicts."""
    conflicts: tuple[tuple[int, int], ...]
    """First and last line in the text `ours` of what both changed in different ways, from 1."""


def merge(base: str, ours: str, theirs: str) -> Merged:
    """Both changes to `base` in one text, where they are of different lines."""
    parts = (lines_of(base), lines_of(ours), lines_of(theirs))
    merged: list[str] = []
    conflicts: list[tuple[int, int]] = []
    here = (0, 0, 0)
    for sync in _synced(*parts):
        was, our, their = (
            lines[start:end] for lines, start, end in zip(parts, here, sync[:3], strict=True)
        )
        if our == their or their == was:
            merged += our
        elif our == was:
            merged += their
        else:
            conflicts.append((here[1] + 1, max(here[1] + 1, sync[1])))
        merged += parts[0][sync[0] : sync[0] + sync[3]]
        here = (sync[0] + sync[3], sync[1] + sync[3], sync[2] + sync[3])
    return Merged("" if conflicts else "".join(merged), tuple(conflicts))


def _synced(base: Lines, ours: Lines, theirs: Lines) -> Iterator[tuple[int, int, int, int]]:
    """Where all three texts are equal: positions in them and a number of lines; the last is 0."""
    left, right = matching(base, ours), matching(base, theirs)
    at_left = at_right = 0
    while at_left < len(left) and at_right < len(right):
        one, other = left[at_left], right[at_right]
        start, end = max(one.a, other.a), min(one.a + one.size, other.a + other.size)
        if start < end:
            yield start, one.b + start - one.a, other.b + start - other.a, end - start
        if one.a + one.size < other.a + other.size:
            at_left += 1
        else:
            at_right += 1
    yield len(base), len(ours), len(theirs), 0

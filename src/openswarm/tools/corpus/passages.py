"""The passages of one document that answer questions best, within a budget of bytes.

For a model that gets a single prompt and takes no turns.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from openswarm.tools.corpus.chunks import Chunk, Kind, size_of
from openswarm.tools.corpus.ranking import Ranking, Unit, units_of

MAX_UNIT_BYTES = 300
MIN_UNIT_BYTES = 160
ROUNDS = 3
"""How many units one query may bring in."""
GAPS: dict[Kind, str] = {"prose": "\n…\n", "sections": "\n…\n", "records": "\n"}
"""What stands between passages that do not follow each other."""
_WORTHWHILE = 0.6
"""A unit below this part of the query's best score is left out."""


class Passage(NamedTuple):
    """A stretch of a document, by the offset in bytes where it starts."""

    offset: int
    text: str


def best_passages(
    stretches: Sequence[Chunk], kind: Kind, queries: Sequence[str], budget_bytes: int
) -> list[Passage]:
    """The best units for each query, in document order, neighbours merged.

    First each query gets its best unit, then its second best, up to `ROUNDS`, while the budget
    lasts. `stretches` are the whole document in one, or some parts of a long one.
    """
    share = budget_bytes // max(len(queries), 1)
    most = min(max(share, MIN_UNIT_BYTES), MAX_UNIT_BYTES)
    units = [unit for stretch in stretches for unit in units_of(stretch, kind, most)]
    ranking = Ranking(units)
    chosen = _choose(units, [ranking.best(query) for query in queries], budget_bytes, GAPS[kind])
    return list(_merged([units[index] for index in sorted(chosen)]))


def _choose(
    units: Sequence[Unit], rankings: Sequence[list[tuple[float, int]]], budget_bytes: int, gap: str
) -> set[int]:
    chosen: set[int] = set()
    left = budget_bytes + size_of(gap)
    for place in range(ROUNDS):
        for cost, index in sorted(_offers(units, rankings, place)):
            cost += size_of(gap)
            if index not in chosen and cost <= left:
                chosen.add(index)
                left -= cost
    return chosen


def _offers(
    units: Sequence[Unit], rankings: Sequence[list[tuple[float, int]]], place: int
) -> Iterator[tuple[int, int]]:
    """What each query would bring in at this place: the cost in bytes and the unit."""
    for ranking in rankings:
        if place < len(ranking) and ranking[place][0] >= _WORTHWHILE * ranking[0][0]:
            index = ranking[place][1]
            yield size_of(units[index].shown), index


def _merged(units: Sequence[Unit]) -> Iterator[Passage]:
    """The units as passages; those that follow each other become one."""
    start, text, end = 0, "", -1
    for unit in units:
        if unit.offset == end:
            text += unit.text
        else:
            if text:
                yield Passage(start, text.strip())
            start, text = unit.offset, unit.shown
            # what was stripped at the end belongs between this unit and the next
            text += unit.text[len(unit.text.rstrip()) :]
        end = unit.end
    if text:
        yield Passage(start, text.strip())

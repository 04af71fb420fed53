"""Ranking small units of text for a query: BM25F over a label and the text under it.

The unit is a record's line, or a few sentences; its label is the path of a JSON leaf or the
headings of a section. Knows nothing of what the documents are about.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from openswarm.tools.corpus.chunks import MAX_CHUNK_BYTES, Chunk, Kind, cut, sections, size_of
from openswarm.tools.corpus.index import Match
from openswarm.tools.corpus.words import telling_words, words

_HEAD_WEIGHT = 3.0
"""A query is often `name: definition`; a word of the name counts as much as three others."""
_LABEL_WEIGHT = 4.0
_LABEL_NORM, _TEXT_NORM = 0.6, 0.3
_SATURATION = 1.2
_NOWHERE = (0, 0)
_LATER_PIECE = 0.8
"""A value begins with what matters: its later pieces count less."""
_LATER_SIBLING = 0.93
"""What stands first under a parent sums it up or is its main statement, notes follow."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is chosen or left: a stretch of text that stands under a label."""

    offset: int
    label: str
    text: str
    first: bool = True
    """Whether it is the first piece under its label, and holds it."""
    prior: float = 1.0
    """How much its score counts before any query is known."""

    @property
    def end(self) -> int:
        """Where it ends, in bytes."""
        return self.offset + size_of(self.text)

    @property
    def shown(self) -> str:
        """The text for a reader who sees nothing around it."""
        text = self.text.strip()
        return text if self.first or not self.label else f"{self.label}: … {text}"


def units_of(stretch: Chunk, kind: Kind, most: int) -> Iterator[Unit]:
    """The units of a stretch: its lines if they are records, else pieces of its sections."""
    if kind == "records":
        yield from _records(stretch, most)
        return
    for section in sections(stretch.text, kind):
        label = (section.heading or stretch.heading) if kind == "sections" else ""
        offset = stretch.offset + section.offset
        for number, piece in enumerate(cut(section.text, most * 4 // 5, most)):
            yield Unit(offset, label, piece, number == 0, _LATER_PIECE if number else 1.0)
            offset += size_of(piece)


def _records(stretch: Chunk, most: int) -> Iterator[Unit]:
    offset = stretch.offset
    begun: set[str] = set()
    for line in stretch.text.splitlines(keepends=True):
        label, colon, _ = line.partition(": ")
        label = label if colon and len(label) < most else ""
        room = most if len(line) <= most else max(most - size_of(label), most // 2)
        parent = label.rpartition(" > ")[0]
        prior = _LATER_SIBLING if parent in begun else 1.0
        for number, piece in enumerate(cut(line, room, room)):
            yield Unit(offset, label, piece, number == 0, prior * (_LATER_PIECE if number else 1))
            offset += size_of(piece)
        begun |= {parent, label}


class Ranking:
    """The words of many units, ready to rank the units for any query."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self._units = units
        self._labels: list[list[list[str]]] = []
        self._sizes: list[int] = []
        self._postings: defaultdict[str, dict[int, list[int]]] = defaultdict(dict)
        """By word and unit: how often it stands in the label and in the text."""
        for index, unit in enumerate(units):
            body = unit.text.removeprefix(unit.label) if unit.first else unit.text
            segments = [words(segment) for segment in unit.label.split(" > ")]
            found = words(body)
            self._labels.append(segments)
            self._sizes.append(len(found))
            self._count(index, chain.from_iterable(segments), field=0)
            self._count(index, found, field=1)
        lengths = [sum(map(len, segments)) for segments in self._labels]
        self._mean_label = max(sum(lengths) / max(len(units), 1), 1)
        self._mean_text = max(sum(self._sizes) / max(len(units), 1), 1)

    def best(self, query: str) -> list[tuple[float, int]]:
        """Scores and indices of the units that share a word with the query, the best first."""
        weights = query_weights(query)
        hits = {index for word in weights for index in self._postings.get(word, ())}
        scored = [(self._score(index, weights), index) for index in hits]
        return sorted(scored, key=lambda entry: (-entry[0], entry[1]))

    def _score(self, index: int, weights: dict[str, float]) -> float:
        label_norm = 1 - _LABEL_NORM + _LABEL_NORM * self._label_length(index, weights)
        text_norm = 1 - _TEXT_NORM + _TEXT_NORM * self._sizes[index] / self._mean_text
        score = 0.0
        for word, weight in weights.items():
            in_label, in_text = self._postings.get(word, {}).get(index, _NOWHERE)
            frequency = _LABEL_WEIGHT * in_label / label_norm + in_text / text_norm
            score += weight * self._rarity(word) * frequency / (_SATURATION + frequency)
        return score * self._units[index].prior

    def _label_length(self, index: int, weights: dict[str, float]) -> float:
        """The label's length against the mean. A segment without a word of the query counts one.

        So the children of a matching parent are equal, and the first of them, the total before
        its parts, goes first.
        """
        segments = self._labels[index]
        length = sum(
            len(segment) if any(word in weights for word in segment) else 1 for segment in segments
        )
        return length / self._mean_label

    def _rarity(self, word: str) -> float:
        having = len(self._postings.get(word, ()))
        return math.log(1 + (len(self._units) - having + 0.5) / (having + 0.5))

    def _count(self, index: int, found: Iterable[str], field: int) -> None:
        for word in found:
            self._postings[word].setdefault(index, [0, 0])[field] += 1


def query_weights(query: str) -> dict[str, float]:
    """The words of a query with their weights; those before a colon weigh more."""
    head, _, definition = query.partition(":")
    weights = dict.fromkeys(telling_words(definition), 1.0)
    return weights | dict.fromkeys(telling_words(head), _HEAD_WEIGHT)


def reranked(query: str, matches: Sequence[Match]) -> list[Match]:
    """The chunks in the order of their own score and that of their best unit together, 0 to 2.

    A chunk repeats a word in many ways; the line that is about it decides.
    """
    units: list[Unit] = []
    owners: list[int] = []
    for owner, match in enumerate(matches):
        for unit in units_of(match.chunk, match.document.kind, MAX_CHUNK_BYTES):
            units.append(replace(unit, label=_full_label(match, unit)))
            owners.append(owner)
    best: dict[int, float] = {}
    for score, index in Ranking(units).best(query):
        best.setdefault(owners[index], score)
    top_unit = max(best.values(), default=1.0)
    top_chunk = max((match.score for match in matches), default=1.0)
    rescored = [
        match._replace(score=match.score / top_chunk + best.get(owner, 0.0) / top_unit)
        for owner, match in enumerate(matches)
    ]
    return sorted(rescored, key=lambda match: -match.score)


def _full_label(match: Match, unit: Unit) -> str:
    """The label led by the document's title, which the chunk's heading begins with."""
    if match.document.kind == "records" and unit.label:
        return f"{match.chunk.heading} > {unit.label}"
    return unit.label or match.chunk.heading

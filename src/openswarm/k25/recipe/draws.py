"""Draws that depend on a seed, a split and an example's number alone.

Owns the one rule that keeps the splits apart: what a task is about (a pair of numbers, a name, a
wording) is held out or not by a hash of it, whatever the seed.
"""

import random
import zlib
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

Split = Literal["train", "held-out"]
T = TypeVar("T")

HELD_OUT = 8
"""One of so many subjects is kept for the held-out split."""
MOST_PROPOSALS = 1000


def is_held_out(subject: str) -> bool:
    """Whether a subject belongs to the held-out split."""
    return zlib.crc32(subject.encode("utf-8")) % HELD_OUT == 0


class Draw:
    """The random choices of one example."""

    def __init__(self, seed: int, split: Split, stream: str, number: int) -> None:
        self.split: Split = split
        self._random = random.Random(f"{seed}/{split}/{stream}/{number}")

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[int(self._random.random() * len(options))]

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """So many different options, in any order."""
        return self._random.sample(options, count)

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self._random.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self._random.random() < probability

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """One of the options, by their weights."""
        point = self._random.random() * sum(weight for _, weight in options)
        for option, weight in options:
            point -= weight
            if point < 0:
                return option
        return options[-1][0]

    def subject(self, propose: Callable[[], T]) -> T:
        """A subject of this split: proposals are made until one belongs to it.

        Raises `ValueError` when none of many does.
        """
        for _ in range(MOST_PROPOSALS):
            proposal = propose()
            if is_held_out(str(proposal)) == (self.split == "held-out"):
                return proposal
        raise ValueError(f"none of {MOST_PROPOSALS} proposals belongs to the {self.split} split")

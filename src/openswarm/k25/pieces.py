"""A rendered chat before it is token ids: stretches of text, and markers that are one token each.

The line between the two is what keeps a user from writing a marker, so it is a fact of every
piece and never found again by reading the text. Knows no tokenizer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a chat. A special piece is the name of one special token.

    `trained` is true for what the assistant writes: training learns to write these tokens, and
    only reads the others.
    """

    text: str
    special: bool = False
    trained: bool = False


def text_of(pieces: Iterable[Piece]) -> str:
    """The whole as one string, markers by their names."""
    return "".join(piece.text for piece in pieces)


def expand(ids: Sequence[int], counts: Sequence[int], pad: int) -> list[int]:
    """The ids with the n-th `pad` repeated `counts[n]` times: a token for each vector of a medium.

    Raises `ValueError` if there are not as many counts as pads, or one is below 1.
    """
    if ids.count(pad) != len(counts):
        raise ValueError(f"{len(counts)} pictures for {ids.count(pad)} places in the text")
    if any(count < 1 for count in counts):
        raise ValueError("a picture has to become at least one token")
    left = iter(counts)
    return [out for number in ids for out in [number] * (next(left) if number == pad else 1)]

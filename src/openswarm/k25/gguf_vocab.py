"""A K2.5 vocabulary as llama.cpp wants it: token texts, their kinds, and merges.

The published vocabulary (tiktoken) has ranks and no merges; llama.cpp's byte-pair encoder needs
them, so they are derived here. Knows neither files nor tensors.
Sources: the GGUF specification (`tokenizer.ggml.*`), GPT-2's printable form of bytes.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import cache
from itertools import pairwise

MODEL = "gpt2"
"""llama.cpp's name for byte-pair encoding of bytes."""
PRE_TOKENIZER = "kimi-k2"
"""Its name for the published pattern that cuts text."""


class Kind(IntEnum):
    """`tokenizer.ggml.token_type`."""

    NORMAL = 1
    CONTROL = 3


def token_texts(
    tokens: Sequence[bytes], special: Mapping[str, int]
) -> tuple[list[str], list[Kind]]:
    """The text and kind of every id: ordinary tokens by rank, then special ones by id."""
    names = sorted(special, key=lambda name: special[name])
    texts = [*map(printable, tokens), *names]
    return texts, [Kind.NORMAL] * len(tokens) + [Kind.CONTROL] * len(names)


def merges(tokens: Sequence[bytes]) -> list[str]:
    """Pairs in the order in which they are joined, each as two printable halves.

    A token's pair is what encoding its bytes leaves when only lower ranks may be joined. A token
    that cannot be reached in that way has none; llama.cpp makes it only of a piece of text that is
    exactly this token.
    """
    ranks = {token: rank for rank, token in enumerate(tokens)}
    halves = (_joined(token, ranks) for token in tokens if len(token) > 1)
    return [" ".join(map(printable, pair)) for pair in halves if len(pair) == 2]


def printable(token: bytes) -> str:
    """Bytes as GPT-2 writes them: one printable character for each."""
    return token.decode("latin-1").translate(_alphabet())


@cache
def _alphabet() -> dict[int, int]:
    """The bytes that are no visible Latin-1 characters, in order, from U+0100 on."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = (byte for byte in range(0x100) if byte not in visible)
    return {byte: 0x100 + place for place, byte in enumerate(hidden)}


def _joined(token: bytes, ranks: Mapping[bytes, int]) -> list[bytes]:
    """Byte-pair encoding of a token with the ranks below its own: lowest and leftmost first."""
    limit = ranks[token]
    parts = [token[place : place + 1] for place in range(len(token))]
    while len(parts) > 1:
        rank, place = min(
            (ranks.get(left + right, limit), place)
            for place, (left, right) in enumerate(pairwise(parts))
        )
        if rank >= limit:
            break
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    return parts

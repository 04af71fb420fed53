"""Learns a small byte-pair vocabulary that tiktoken reproduces, and writes its file.

Owns the training algorithm and the file's format; what it learns from is `bpe_texts`'s business.
`python -m openswarm.k25.bpe OUT` writes the vocabulary that comes with openswarm. The file holds
byte strings and their ranks alone, nothing of the texts themselves.

A candidate is known by the bytes that a merge would make, not by the pair that makes them: that
is how tiktoken looks merges up, so two pairs that spell the same token count together.
"""

import base64
import heapq
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from openswarm.k25.tokens import PATTERN

BYTES = 256
BASE_TOKENS = 3840
"""Ordinary tokens of the vocabulary that comes with openswarm: 4096 with the special ones."""
LONGEST = 16
"""Bytes of a token at most: longer ones are names that only the texts of training have."""


def train(texts: Iterable[str], vocabulary: int) -> list[bytes]:
    """Learns `vocabulary` tokens, by rank: the 256 bytes first, then the merges in their order.

    The commonest candidate is merged next, the smaller bytes among equals, so the result depends
    on the texts alone. Raises `ValueError` if there are fewer than `vocabulary` tokens to learn.
    """
    words = _Words(texts)
    tokens = [bytes([byte]) for byte in range(BYTES)]
    ranks = {token: rank for rank, token in enumerate(tokens)}
    while len(tokens) < vocabulary:
        token = words.commonest()
        if token is None:
            raise ValueError(f"the texts have {len(tokens)} tokens to learn, not {vocabulary}")
        ranks[token] = len(tokens)
        tokens.append(token)
        words.merge(token, ranks)
    return tokens


def write(tokens: Iterable[bytes], path: Path) -> None:
    """Writes a `tiktoken.model`: on each line a token in base64 and its rank."""
    lines = (f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in enumerate(tokens))
    path.write_text("".join(lines), "ascii")


class _Words:
    """The distinct pieces of the texts, each cut into tokens, and what could be merged in them."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts = Counter(piece for text in texts for piece in pieces(text))
        self._counts = list(counts.values())
        self._cuts = [[bytes([byte]) for byte in word.encode()] for word in counts]
        self._weights: Counter[bytes] = Counter()
        self._places: defaultdict[bytes, set[int]] = defaultdict(set)
        for word in range(len(self._cuts)):
            self._weigh(word, 1)
        self._heap = [(-weight, token) for token, weight in self._weights.items()]
        heapq.heapify(self._heap)

    def commonest(self) -> bytes | None:
        """The next token to learn. Entries of the heap whose weight has changed are passed over."""
        while self._heap:
            weight, token = heapq.heappop(self._heap)
            if weight and self._weights[token] == -weight:
                return token
        return None

    def merge(self, token: bytes, ranks: dict[bytes, int]) -> None:
        """Merges a new token wherever it can be, and counts again in those words only."""
        changed: set[bytes] = set()
        for word in self._places.pop(token):
            changed |= self._weigh(word, -1)
            _merge(self._cuts[word], ranks)
            changed |= self._weigh(word, 1)
        del self._weights[token]
        for candidate in changed - ranks.keys():
            heapq.heappush(self._heap, (-self._weights[candidate], candidate))

    def _weigh(self, word: int, sign: int) -> set[bytes]:
        """Adds a word's candidates to the weights, or takes them out; returns them."""
        cut, count = self._cuts[word], self._counts[word] * sign
        candidates = [cut[at] + cut[at + 1] for at in range(len(cut) - 1)]
        found = {candidate for candidate in candidates if len(candidate) <= LONGEST}
        for candidate in candidates:
            if candidate in found:
                self._weights[candidate] += count
        for candidate in found:
            (self._places[candidate].add if sign > 0 else self._places[candidate].discard)(word)
        return found


def _merge(cut: list[bytes], ranks: dict[bytes, int]) -> None:
    """Merges the pair of the lowest rank, the leftmost among equals, until none is left."""
    worst = len(ranks)
    while len(cut) > 1:
        rank, at = min((ranks.get(cut[at] + cut[at + 1], worst), at) for at in range(len(cut) - 1))
        if rank == worst:
            return
        cut[at : at + 2] = [cut[at] + cut[at + 1]]


def pieces(text: str) -> list[str]:
    """The text cut as the tokenizer cuts it; merges never cross a cut."""
    import regex  # comes with tiktoken (extra `model`), and only training needs it

    return regex.findall(f"(?V1){PATTERN}", text)


def main(arguments: list[str]) -> int:
    """Writes the vocabulary to the path that was given; returns the exit status."""
    from openswarm.k25.bpe_texts import texts

    if len(arguments) != 1:
        sys.stderr.write("usage: python -m openswarm.k25.bpe OUT\n")
        return 2
    write(train(texts(), BASE_TOKENS), Path(arguments[0]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

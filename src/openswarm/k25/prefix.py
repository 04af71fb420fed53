"""Which slot of the cache a prompt gets, and how much of it is there already.

Owns what each slot holds, as keys of its tokens. Pure rules over lists of numbers: the latents
themselves are the cache's, and what is computed is `generation`'s business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from openswarm.k25.pixels import Patches

WORTH_WAITING = 16
"""Tokens that another prompt has to bring, for a prompt to wait until that one is read."""


@dataclass(frozen=True, slots=True)
class KeyedPrompt:
    """The keys of a prompt's tokens: equal keys at equal places have equal latents.

    A text token's key is its id; a media token's is made from the pixels and its place in them.
    """

    keys: list[int]
    spans: list[tuple[int, int]]
    """First token of each picture, and the token behind its last."""


def prompt_of(ids: Sequence[int], media: Sequence[Patches], pad: int) -> KeyedPrompt:
    """Takes a prompt apart. Its pads have to be as many as the media's tokens."""
    keys, spans = list(ids), []
    places = [place for place, token in enumerate(ids) if token == pad]
    begun = 0
    for entry in media:
        mine = places[begun : begun + entry.tokens]
        begun += entry.tokens
        if not mine:
            continue
        first = -_digest(entry)
        for offset, place in enumerate(mine):
            keys[place] = first - offset
        spans.append((mine[0], mine[-1] + 1))
    return KeyedPrompt(keys, spans)


def _digest(entry: Patches) -> int:
    """A positive number that other pixels do not have; room is left below it for the offsets."""
    found = blake2b(repr(entry.grid).encode(), digest_size=16)
    found.update(entry.pixels_NCPP.contiguous().numpy().tobytes())
    return (int.from_bytes(found.digest()) + 1) << 32


def shared(left: list[int], right: list[int]) -> int:
    """How many keys two lists have in common at their beginning."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


@dataclass(slots=True, eq=False)
class Slot:
    """One row of the cache."""

    number: int
    keys: list[int] = field(default_factory=list)
    """Of the tokens whose latents it holds."""
    coming: list[int] = field(default_factory=list)
    """Of the whole prompt that is being read into it; [] when none is."""
    busy: bool = False
    used: int = 0
    """When it was last taken or given back, in takings."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a prompt goes: `cached` of its tokens are copied from `source` to `slot`."""

    slot: Slot
    source: Slot
    cached: int


class Slots:
    """All rows of the cache."""

    def __init__(self, count: int) -> None:
        self._slots = [Slot(number) for number in range(count)]
        self._clock = 0

    def take(self, prompt: KeyedPrompt) -> Place | None:
        """A slot for a prompt, or None while none is free or another one reads its beginning.

        The slot that holds the most of the prompt is the source. It is continued when the prompt
        goes on where it ends; else it stays as it is, and the slot longest unused is given up.
        """
        free = [slot for slot in self._slots if not slot.busy]
        if not free:
            return None
        source = max(self._slots, key=lambda slot: shared(slot.keys, prompt.keys))
        cached = self._usable(source, prompt)
        expected = max(shared(slot.coming, prompt.keys) for slot in self._slots)
        if min(expected, len(prompt.keys) - 1) - cached >= WORTH_WAITING:
            return None
        continues = not source.busy and cached == len(source.keys)
        slot = source if continues else min(free, key=lambda slot: slot.used)
        self._clock += 1
        slot.busy, slot.used, slot.coming = True, self._clock, prompt.keys
        slot.keys = prompt.keys[:cached]
        return Place(slot, source, cached)

    def give_back(self, slot: Slot) -> None:
        """Its request is over; what it holds may still serve another one."""
        self._clock += 1
        slot.busy, slot.used, slot.coming = False, self._clock, []

    def forget(self) -> None:
        """What is held is of no use any more, as after a change of the weights."""
        for slot in self._slots:
            slot.keys = []

    @staticmethod
    def _usable(source: Slot, prompt: KeyedPrompt) -> int:
        """Tokens to copy: the last token is always read, for its logits; pictures stay whole."""
        cached = min(shared(source.keys, prompt.keys), len(prompt.keys) - 1)
        for first, end in prompt.spans:
            if first < cached < end:
                return first
        return cached

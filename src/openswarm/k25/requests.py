"""What goes into the engine and what comes out: requests, tokens as they come, whole replies.

Data and the two protocols by which a grammar holds a reply to its form. Knows no model.

Legend of shapes: V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NewType, Protocol

import torch

from openswarm.k25.errors import ModelFileError
from openswarm.k25.pixels import Patches
from openswarm.k25.sampling import Sampling

Ticket = NewType("Ticket", int)
"""Names a request within its engine."""
Finish = Literal["stop", "length"]


class TooLongError(ModelFileError):
    """A prompt that leaves no room for a reply in the window."""


class Guide(Protocol):
    """What one reply may say next, from what it has said."""

    def allowed(self) -> torch.Tensor:
        """True for each token that may come next, `(V,)`."""
        ...

    def accept(self, token: int) -> None:
        """The token that came."""
        ...


class Grammar(Protocol):
    """A form that replies are held to."""

    def guide(self) -> Guide:
        """A guide for one reply, at its beginning."""
        ...


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A prompt and how to go on. `media` take the places of the prompt's media pads, in order."""

    ids: Sequence[int]
    media: Sequence[Patches] = ()
    sampling: Sampling = field(default_factory=Sampling)
    grammar: Grammar | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One new token of a reply. `finish` is given with its last one."""

    ticket: Ticket
    token: int
    logprob: float
    """See `Drawn.logprobs_B`."""
    drawn_logprob: float
    """See `Drawn.drawn_logprobs_B`."""
    finish: Finish | None
    cached_tokens: int
    """Tokens of the prompt that did not have to be read."""


@dataclass(frozen=True, slots=True)
class Generated:
    """One whole reply; a stop token is its last id. The lists are of equal length."""

    ids: list[int]
    logprobs: list[float]
    drawn_logprobs: list[float]
    finish: Finish
    cached_tokens: int


def whole(events: Sequence[Event]) -> Generated:
    """The reply that these events are, the last of them its end."""
    last = events[-1]
    assert last.finish is not None
    return Generated(
        [event.token for event in events],
        [event.logprob for event in events],
        [event.drawn_logprob for event in events],
        last.finish,
        last.cached_tokens,
    )

"""Replies of a causal model, drawn token by token for all conversations that wait together.

Owns the draw, its log-probabilities and the waiting. Every conversation has its own random numbers,
so that what it says does not depend on who is drawn beside it (but for the last bits of sums). What
was said before is read again at each turn. Knows no text.

Legend of shapes: B rows, V vocabulary.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import anyio
import anyio.lowlevel
import anyio.to_thread
import torch

from openswarm.core.errors import Fault, ModelError
from openswarm.parl.causal.adapter import Causal

MAX_TOKENS = 65_536
"""Tokens of a batch, padding and what will be said included."""
QUIET_ROUNDS = 40
"""Rounds of the event loop without a new draw after which everybody is taken to wait."""


@dataclass(slots=True, eq=False)
class Draw:
    """One reply to be drawn."""

    context: list[int]
    most: int
    """Tokens that the reply may have."""
    numbers: random.Random
    ids: list[int] = field(default_factory=list)
    """What was drawn, with the token that ended it."""
    logprobs: list[float] = field(default_factory=list)
    """Of each, over the whole vocabulary, at temperature 1."""
    ended: bool = False
    """Whether it ended by itself."""
    error: Exception | None = None


class Drawer(Protocol):
    """Draws replies."""

    def draw(self, draws: Sequence[Draw]) -> None:
        """Brings each to its end. Called in a thread, one call at a time."""
        ...


@dataclass(frozen=True, slots=True)
class Generator:
    """Draws with a model. A temperature of 0 takes the likeliest token."""

    causal: Causal
    temperature: float = 1.0
    max_tokens: int = MAX_TOKENS

    def draw(self, draws: Sequence[Draw]) -> None:
        """See `Drawer.draw`. Raises `ModelError` when the model gives no numbers."""
        for part in self._parts(draws):
            contexts = [draw.context for draw in part]
            most = max(draw.most for draw in part)
            self.causal.generate(contexts, most, _Rows(part, self).choose)

    def _parts(self, draws: Sequence[Draw]) -> Iterator[list[Draw]]:
        """Draws of like length together, as many as fit."""
        part: list[Draw] = []
        longest = 0
        for draw in sorted(draws, key=lambda draw: len(draw.context) + draw.most):
            longest = len(draw.context) + draw.most
            if part and (len(part) + 1) * longest > self.max_tokens:
                yield part
                part = []
            part.append(draw)
        if part:
            yield part


@dataclass(slots=True)
class _Rows:
    """The draws of a batch, as far as they have come."""

    draws: Sequence[Draw]
    generator: Generator

    def choose(self, scores_BV: torch.Tensor) -> torch.Tensor:
        """The next token of each row; what ends it for rows that are over."""
        logprobs_BV = scores_BV.double().log_softmax(-1)
        places_B = self._places(logprobs_BV)
        values_B = logprobs_BV.gather(1, places_B[:, None])[:, 0].tolist()
        stops = self.generator.causal.stops
        for row, (draw, value) in enumerate(zip(self.draws, values_B, strict=True)):
            if draw.ended or len(draw.ids) >= draw.most:
                places_B[row] = stops[0]
                continue
            if not math.isfinite(value):
                raise ModelError(Fault.PROTOCOL, "the model's scores are no numbers")
            token = int(places_B[row])
            draw.ids.append(token)
            draw.logprobs.append(value)
            draw.ended = token in stops
            if len(draw.ids) >= draw.most:
                places_B[row] = stops[0]
        return places_B

    def _places(self, logprobs_BV: torch.Tensor) -> torch.Tensor:
        if self.generator.temperature == 0:
            return logprobs_BV.argmax(-1)
        heated_BV = (logprobs_BV / self.generator.temperature).softmax(-1)
        uniform_B1 = torch.tensor(
            [[draw.numbers.random()] for draw in self.draws], dtype=torch.double
        ).to(heated_BV.device)
        places_B = (heated_BV.cumsum(-1) <= uniform_B1).sum(-1)
        return places_B.clamp_max(heated_BV.shape[-1] - 1)


class Together:
    """Collects what runs wait for and draws it in one batch, once nobody goes on without.

    Runs whose workers are scripted go on inside the event loop alone, so when several rounds of it
    bring no new draw, all of them wait here. A run that waits for anything else is not waited for.
    """

    def __init__(self, drawer: Drawer) -> None:
        self._drawer = drawer
        self._waiting: list[Draw] = []
        self._lock = anyio.Lock()

    async def draw(self, draw: Draw) -> None:
        """Draws one reply. Raises what the drawer raised, `ModelError` above all."""
        self._waiting.append(draw)
        try:
            async with self._lock:
                if draw in self._waiting:
                    await self._all_wait()
                    batch, self._waiting = self._waiting, []
                    await anyio.to_thread.run_sync(self._draw, batch)
        finally:
            if draw in self._waiting:
                self._waiting.remove(draw)
        if draw.error is not None:
            raise draw.error

    async def _all_wait(self) -> None:
        quiet, known = 0, len(self._waiting)
        while quiet < QUIET_ROUNDS:
            await anyio.lowlevel.checkpoint()
            quiet = quiet + 1 if len(self._waiting) == known else 0
            known = len(self._waiting)

    def _draw(self, batch: Sequence[Draw]) -> None:
        """In a thread. An error is everybody's whose reply was in the batch."""
        try:
            self._drawer.draw(batch)
        except ModelError as error:
            _fail(batch, error)
        except (RuntimeError, ValueError, IndexError) as error:
            _fail(batch, ModelError(Fault.REFUSED, f"the causal model failed: {error}"))


def _fail(batch: Sequence[Draw], error: ModelError) -> None:
    for draw in batch:
        draw.error = error

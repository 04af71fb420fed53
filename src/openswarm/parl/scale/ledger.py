"""Which requests wait, which are being worked on, which are done: the books of one round.

Owns the promise that every request is answered once and that lost work is done again, a bounded
number of times. Pure: knows no cluster, no clock and no request's meaning.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from openswarm.parl.scale.protocol import RolloutError

Request = TypeVar("Request")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests that one process works on together, by their places in the round."""

    places: tuple[int, ...]
    lost: int
    """How often these requests were lost before."""


@dataclass(slots=True)
class Ledger(Generic[Request, Result]):
    """The books of one round of requests."""

    requests: Sequence[Request]
    batch: int
    """The most requests that are handed out together."""
    tries: int
    """How often a request may be worked on before the round fails."""
    reruns: int = field(default=0, init=False)
    """Requests that were handed out again."""
    _waiting: deque[Batch] = field(default_factory=deque, init=False)
    _out: set[Batch] = field(default_factory=set, init=False)
    _results: dict[int, Result] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Raises `ValueError` where a number is below 1."""
        if self.batch < 1 or self.tries < 1:
            raise ValueError("batch and tries are at least 1")
        count = len(self.requests)
        for first in range(0, count, self.batch):
            last = min(first + self.batch, count)
            self._waiting.append(Batch(tuple(range(first, last)), 0))

    @property
    def waiting(self) -> bool:
        """Whether there is something to hand out."""
        return bool(self._waiting)

    @property
    def done(self) -> bool:
        """Whether every request has its result."""
        return len(self._results) == len(self.requests)

    def take(self) -> Batch:
        """The next batch, which is out from now on. Lost ones come first."""
        batch = self._waiting.popleft()
        self._out.add(batch)
        return batch

    def of(self, batch: Batch) -> list[Request]:
        """The requests of a batch, in order."""
        return [self.requests[place] for place in batch.places]

    def finish(self, batch: Batch, results: Sequence[Result]) -> None:
        """What came of a batch that is out. Raises `RolloutError` where the number is wrong."""
        self._out.remove(batch)
        if len(results) != len(batch.places):
            raise RolloutError(
                f"{len(results)} rollouts came back for {len(batch.places)} requests: "
                + self.named(batch)
            )
        self._results.update(zip(batch.places, results, strict=True))

    def lose(self, batch: Batch, why: str) -> None:
        """Nothing came of a batch that is out: it waits again.

        As a whole at first, since what died is mostly not to blame; from the second time on each
        request alone, so that one that kills its process is found. Raises `RolloutError` that
        names the requests after the last try.
        """
        self._out.remove(batch)
        lost = batch.lost + 1
        if lost >= self.tries:
            raise RolloutError(f"lost {lost} times ({why}): {self.named(batch)}")
        self.reruns += len(batch.places)
        again = [batch.places] if lost == 1 else [(place,) for place in batch.places]
        self._waiting.extendleft(Batch(places, lost) for places in reversed(again))

    def named(self, batch: Batch) -> str:
        """The requests of a batch as people read them: three at most, of each 200 characters."""
        shown = [f"#{place} {self.requests[place]!r:.200}" for place in batch.places[:3]]
        rest = len(batch.places) - len(shown)
        return "; ".join(shown) + (f"; and {rest} more" if rest else "")

    def results(self) -> list[Result]:
        """All results in the order of the requests; only when `done`."""
        return [self._results[place] for place in range(len(self.requests))]

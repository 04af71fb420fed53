"""The protocol of a journal, and the one in memory.

A journal stamps events, keeps them in order, and tells observers of them. Everything else that is
known of a run is a fold over its events.
"""

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, cast

from openswarm.core.events import AnyEvent, Content, Event, Tick

E = TypeVar("E", bound=Event)
Observer = Callable[[AnyEvent | Tick], None]

INLINE_BYTES = 4096
"""Text up to this size stands in the event itself."""


class Journal(Protocol):
    """The event log of one run."""

    run_id: str

    def append(self, event: E) -> E:
        """Stamps the event and adds it; it is durable after the next `commit`."""
        ...

    async def commit(self) -> None:
        """Returns when all that was appended is durable. Raises `JournalError`."""
        ...

    def keep(self, text: str) -> Content:
        """Stores text, inline or as a blob."""
        ...

    def read(self, content: Content) -> str:
        """The text that was kept."""
        ...

    def events(self) -> Sequence[AnyEvent]:
        """All events so far, oldest first."""
        ...

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Calls `observer` with each later event and tick; returns what ends that."""
        ...

    def tick(self, tick: Tick) -> None:
        """Shows a sign of life to the observers; it is not written."""
        ...


class Stamping(ABC):
    """What every journal does alike: stamping, order, observers, inline text or blobs."""

    def __init__(self, run_id: str, clock: Callable[[], float]) -> None:
        self.run_id = run_id
        self._clock = clock
        self._observers: list[Observer] = []
        self._count = 0
        self._last_at = 0.0

    @abstractmethod
    def _record(self, event: AnyEvent) -> None:
        """Takes a stamped event."""

    @abstractmethod
    def _keep_blob(self, name: str, data: bytes) -> None:
        """Takes a blob; its name is its SHA-256."""

    @abstractmethod
    def _read_blob(self, name: str) -> bytes:
        """Gives a blob back."""

    def append(self, event: E) -> E:
        """See `Journal.append`."""
        self._count += 1
        self._last_at = max(self._last_at, self._clock())
        # a new event is its caller's alone: copying it would cost as much as writing it
        event = event.model_copy() if event.seq else event
        event.__dict__.update(
            seq=self._count,
            at=self._last_at,
            run=self.run_id,
            parent=event.agent.rpartition("/")[0],
        )
        stamped = cast("AnyEvent", event)
        self._record(stamped)
        for observer in tuple(self._observers):
            observer(stamped)
        return event

    def keep(self, text: str) -> Content:
        """See `Journal.keep`."""
        if len(text) * 4 <= INLINE_BYTES:
            return Content(text=text)
        data = text.encode("utf-8", "replace")
        if len(data) <= INLINE_BYTES:
            return Content(text=text)
        name = hashlib.sha256(data).hexdigest()
        self._keep_blob(name, data)
        return Content(blob=name)

    def read(self, content: Content) -> str:
        """See `Journal.read`."""
        return self._read_blob(content.blob).decode("utf-8") if content.blob else content.text

    def observe(self, observer: Observer) -> Callable[[], None]:
        """See `Journal.observe`."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def tick(self, tick: Tick) -> None:
        """See `Journal.tick`."""
        for observer in tuple(self._observers):
            observer(tick)


class MemoryJournal(Stamping):
    """The same events, no disk: for rollouts and tests of schedules."""

    def __init__(self, run_id: str = "memory", clock: Callable[[], float] = time.time) -> None:
        super().__init__(run_id, clock)
        self._events: list[AnyEvent] = []
        self._blobs: dict[str, bytes] = {}

    def _record(self, event: AnyEvent) -> None:
        self._events.append(event)

    def _keep_blob(self, name: str, data: bytes) -> None:
        self._blobs[name] = data

    def _read_blob(self, name: str) -> bytes:
        return self._blobs[name]

    def events(self) -> Sequence[AnyEvent]:
        """See `Journal.events`."""
        return self._events

    async def commit(self) -> None:
        """See `Journal.commit`; memory has nothing to wait for."""

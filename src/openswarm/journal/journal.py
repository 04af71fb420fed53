"""The protocol of a journal, and the one in memory.

A journal stamps events, keeps them in order, and tells observers of them. Everything else that is
known of a run is a fold over its events. Secrets that are known are taken out of all that is
appended and kept, so that neither the disk nor any observer ever has them.
"""

import hashlib
import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

from pydantic import ValidationError

from openswarm.core.errors import JournalError
from openswarm.core.events import BLOB, AnyEvent, Content, Event, Tick

E = TypeVar("E", bound=Event)
Observer = Callable[[AnyEvent | Tick], None]

INLINE_BYTES = 4096
"""Text up to this size stands in the event itself."""

_ANY_BYTES = ("utf-8", "latin-1")
"""Read as the first that fits; the second fits all bytes, and gives them back as they were."""
_ENVELOPE = frozenset({*Event.model_fields, "type"})
"""What openswarm itself writes into each event: numbers and paths of agents."""
_HASH = re.compile("[0-9a-f]{64}")


def unchanged(text: str) -> str:
    """Where no secret is known."""
    return text


class Journal(Protocol):
    """The event log of one run."""

    run_id: str
    scrub: Callable[[str], str]
    """Takes secrets out of text; all that is appended and kept goes through it."""

    def append(self, event: E) -> E:
        """Stamps the event and adds it; it is durable after the next `commit`.

        Returns it as it was added: stamped, and without the secrets that are known.
        """
        ...

    async def commit(self) -> None:
        """Returns when all that was appended is durable. Raises `JournalError`."""
        ...

    def keep(self, text: str) -> Content:
        """Stores text, inline or as a blob."""
        ...

    def keep_bytes(self, data: bytes) -> str:
        """Stores bytes as a blob and returns its name, the SHA-256 in hex."""
        ...

    def read(self, content: Content) -> str:
        """The text that was kept."""
        ...

    def read_bytes(self, blob: str) -> bytes:
        """The bytes of a blob."""
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
        self.scrub: Callable[[str], str] = unchanged
        """Takes the known secrets out of a text."""
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
        if self.scrub is not unchanged:
            event = self._scrubbed(event)
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

    def _scrubbed(self, event: E) -> E:
        """The event without secrets: the very same one where there are none."""
        line = event.model_dump_json()
        if self.scrub(line) == line:
            return event
        value = json.loads(line)
        words = {key: entry for key, entry in value.items() if key not in _ENVELOPE}
        clean = json.dumps(value | _map_texts(words, self.scrub))
        try:
            return event.__class__.model_validate_json(clean)
        except ValidationError:
            raise JournalError(
                f"{type(event).__name__} cannot be written: without a secret that stands in it, it"
                " would be no event; keep secrets out of the names of columns and tools",
                "secret",
            ) from None

    def keep(self, text: str) -> Content:
        """See `Journal.keep`."""
        text = self.scrub(text)
        if len(text) * 4 <= INLINE_BYTES:
            return Content(text=text)
        data = text.encode("utf-8", "replace")
        if len(data) <= INLINE_BYTES:
            return Content(text=text)
        return Content(blob=self._keep(data))

    def keep_bytes(self, data: bytes) -> str:
        """See `Journal.keep_bytes`."""
        return self._keep(data if self.scrub is unchanged else scrub_bytes(data, self.scrub))

    def _keep(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self._keep_blob(name, data)
        return name

    def read(self, content: Content) -> str:
        """See `Journal.read`."""
        return self._read_blob(content.blob).decode("utf-8") if content.blob else content.text

    def read_bytes(self, blob: str) -> bytes:
        """See `Journal.read_bytes`."""
        return self._read_blob(blob)

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


def scrub_bytes(data: bytes, scrub: Callable[[str], str]) -> bytes:
    """The bytes without secrets; the very same ones where there are none."""
    for encoding in _ANY_BYTES:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        clean = scrub(text)
        return data if clean == text else clean.encode(encoding)
    return data


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """The JSON value with each text and each key changed, but for the names of blobs."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_map_texts(entry, change) for entry in value]
    if isinstance(value, dict):
        return {
            change(key): entry if _is_blob(key, entry) else _map_texts(entry, change)
            for key, entry in value.items()
        }
    return value


def _is_blob(key: str, entry: Any) -> bool:
    return key == BLOB and isinstance(entry, str) and _HASH.fullmatch(entry) is not None

"""Spans: a run as OpenTelemetry sees it, as plain values. Owns their shape, ids and bounds.

`span_fold` makes them from events; `modes.telemetry` hands them to OpenTelemetry. No SDK is known
here. Ids are hashes of the run's id and of positions in its journal, so the same run always has the
same ids, wherever it is exported from.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Value = str | bool | int | float | tuple[str, ...]
Attributes = Mapping[str, Value]
Kind = Literal["internal", "client"]

MAX_EVENTS = 128
"""So many events are kept with a span; the rest are counted in `swarm.dropped_events`."""
MAX_WORD_CHARS = 1000
"""Names, rows and reasons are cut here."""
MAX_TEXT_CHARS = 16_000
"""Texts of messages, arguments and results are cut here, where they are exported at all."""
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened inside a span. `at` is in seconds since the epoch."""

    name: str
    at: float
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """One piece of work. Times are in seconds since the epoch, ids in hex."""

    name: str
    kind: Kind
    trace_id: str
    """32 digits."""
    span_id: str
    """16 digits."""
    parent_id: str
    """The span that it lies in; '' for a run, an edit of it, and who works beside it."""
    top_id: str
    """The run, the edit or the agent beside it that it lies in, or is."""
    start: float
    end: float
    attributes: Attributes
    events: tuple[SpanEvent, ...] = ()
    error: str = ""
    """The kind of error that it ended with; '' where it ended with none."""
    message: str = ""
    """What the error said, where content is exported."""
    links: tuple[str, ...] = ()
    """Spans of the same trace that it goes on from."""
    last_seq: int = 0
    """The position of the last event that is about it or about anything in it."""

    @property
    def size(self) -> int:
        """About how many characters it takes."""
        return sum(
            len(name) + len(str(value))
            for entry in (self, *self.events)
            for name, value in entry.attributes.items()
        )


def trace_id_of(run_id: str) -> str:
    """The trace of a run."""
    return hashlib.sha256(f"openswarm/{run_id}".encode("utf-8", "replace")).hexdigest()[:32]


def span_id_of(trace_id: str, number: int, more: int) -> str:
    """A span by the position of the event that it began with, counted from 1, and by how many
    others began with that event."""
    return hashlib.sha256(f"{trace_id}/{number}/{more}".encode()).hexdigest()[:16]


def cleaned(attributes: Mapping[str, Value | None]) -> dict[str, Value]:
    """Attributes that any exporter can write: empty ones left out, numbers and texts bounded."""
    clean = {name: _clean(value) for name, value in attributes.items()}
    return {name: value for name, value in clean.items() if value is not None}


def as_json(value: Any) -> str:
    """A value as the text of an attribute."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _clean(value: Value | None) -> Value | None:
    match value:
        case None | "" | ():
            return None
        case str():
            return value.encode("utf-8", "replace").decode()
        case bool():
            return value
        case int():
            return max(-_LARGEST, min(value, _LARGEST))
        case float():
            return value if math.isfinite(value) else None
        case _:
            return tuple(text.encode("utf-8", "replace").decode() for text in value)


def word(text: str) -> str:
    """A name or reason, cut to its bound."""
    return text if len(text) <= MAX_WORD_CHARS else text[: MAX_WORD_CHARS - 1] + "…"

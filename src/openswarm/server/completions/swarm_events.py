"""Events of a run for clients of the chat wire that ask for them: whole but for long texts."""

from typing import Any

import orjson

from openswarm.core.events import AnyEvent

MAX_TEXT = 2_048
"""Characters of one text; a longer one is left out, and stands in the run's journal."""
MAX_BYTES = 65_536
"""Of one event. Of a larger one only the envelope is sent."""
_ENVELOPE = ("seq", "at", "run", "agent", "parent", "type", "v")


def event_object(event: AnyEvent) -> dict[str, Any]:
    """The event as in the journal."""
    value = _short(event.model_dump(mode="json"))
    if len(orjson.dumps(value)) > MAX_BYTES:
        return {name: value[name] for name in _ENVELOPE}
    return value


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else ""
    if isinstance(value, list):
        return [_short(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _short(entry) for name, entry in value.items()}
    return value

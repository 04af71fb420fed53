"""A checker of the events of a streamed response: what every client of that format relies on.

Fed with bytes as they come, it holds each event against the ones before and puts the items
together again, with a reader of its own.
"""

import json
from dataclasses import dataclass, field
from typing import Any

_ENDS = ("response.completed", "response.incomplete", "response.failed")
_PARTS = {
    "message": ("response.content_part", "response.output_text", "content", "content_index"),
    "reasoning": (
        "response.reasoning_summary_part", "response.reasoning_summary_text", "summary",
        "summary_index",
    ),
}  # fmt: skip
"""By the item's type: events of its part and text, the field, and the name of the index."""
_ARGUMENTS = "response.function_call_arguments"


class WrongEvent(AssertionError):
    """An event that breaks the rules."""


@dataclass
class ResponseEvents:
    """The state of one stream: its items, and the document of the last event."""

    output: list[dict[str, Any]] = field(default_factory=list)
    response: dict[str, Any] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    comments: int = 0
    _rest: bytes = b""
    _identity: tuple[Any, ...] | None = None
    _open: dict[str, Any] | None = None
    _trail: list[str] = field(default_factory=list)
    """The events inside the open item, without repetitions."""
    _pieces: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, data: bytes) -> "ResponseEvents":
        """Checks a whole stream."""
        events = cls()
        events.feed(data)
        events.close()
        return events

    @property
    def text(self) -> str:
        """The texts of all messages."""
        return "".join(p["text"] for i in self.output for p in i.get("content", ()))

    @property
    def thinking(self) -> str:
        """The summaries of all thoughts."""
        return "".join(p["text"] for i in self.output for p in i.get("summary", ()))

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The items that are calls."""
        return [item for item in self.output if item["type"] == "function_call"]

    def feed(self, data: bytes) -> None:
        """Takes the next bytes. Raises `WrongEvent`."""
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        for frame in frames:
            if frame.startswith(b":"):
                self.comments += 1
                continue
            name, _, body = frame.partition(b"\n")
            _rule(
                name.startswith(b"event: ") and body.startswith(b"data: "), f"no event: {frame!r}"
            )
            event = json.loads(body.removeprefix(b"data: "))
            _rule(event["type"] == name.decode().removeprefix("event: "), "two types in one event")
            _rule(event["sequence_number"] == len(self.kinds), "a number that is not the next")
            self._event(event)
            self.kinds.append(event["type"])

    def close(self) -> None:
        """The stream is over. Raises `WrongEvent` where it is not whole."""
        _rule(not self._rest, "the stream ends inside an event")
        _rule(self.kinds and self.kinds[-1] in _ENDS, "the stream does not end")

    def _event(self, event: dict[str, Any]) -> None:
        kind, place = event["type"], len(self.kinds)
        _rule(not self.kinds or self.kinds[-1] not in _ENDS, f"{kind} after the end")
        opening = {0: "response.created", 1: "response.in_progress"}.get(place)
        _rule(opening is None or kind == opening, f"{kind} at the beginning")
        if "response" in event:
            self._whole(kind, event["response"])
        elif kind == "response.output_item.added":
            self._begin(event)
        else:
            self._inside(event)

    def _whole(self, kind: str, response: dict[str, Any]) -> None:
        identity = tuple(response[name] for name in ("id", "object", "created_at", "model"))
        _rule(self._identity in (None, identity), "id, time or model changed")
        self._identity = identity
        self.response = response
        if kind not in _ENDS:
            _rule(response["status"] == "in_progress" and not response["output"], "full too early")
            return
        _rule(self._open is None, "the end inside an item")
        _rule(f"response.{response['status']}" == kind, "a status that is not the event's")
        _rule(response["output"] == self.output, "items that are not those of the stream")
        _rule(kind == "response.failed" or response["usage"], "no usage")

    def _begin(self, event: dict[str, Any]) -> None:
        item = event["item"]
        _rule(self._open is None, "an item begins inside another")
        _rule(event["output_index"] == len(self.output), "an index that is not the next")
        _rule(item["id"] not in {other["id"] for other in self.output}, "an id comes twice")
        if item["type"] == "function_call":
            known = {call["call_id"] for call in self.calls}
            _rule(item["call_id"] not in known, "a call_id comes twice")
        self._open, self._trail, self._pieces = item, [], []

    def _inside(self, event: dict[str, Any]) -> None:
        item, kind = self._open, event["type"]
        _rule(item is not None and event["output_index"] == len(self.output), "of another item")
        assert item is not None
        if kind == "response.output_item.done":
            self._end(item, event["item"])
            return
        _rule(event["item_id"] == item["id"], "an id that is not the item's")
        if not self._trail or self._trail[-1] != kind:
            self._trail.append(kind)
        if kind.endswith(".delta"):
            _rule(event["delta"], "an empty delta")
            self._pieces.append(event["delta"])
        if item["type"] != "function_call":
            _rule(event[_PARTS[item["type"]][3]] == 0, "another part")
        for name in ("text", "arguments"):
            _rule(event.get(name) in (None, "".join(self._pieces)), "not what was streamed")

    def _end(self, started: dict[str, Any], item: dict[str, Any]) -> None:
        _rule(all(item[name] == started[name] for name in ("id", "type")), "another item ends")
        whole = "".join(self._pieces)
        if item["type"] == "function_call":
            _rule(self._trail == [f"{_ARGUMENTS}.delta", f"{_ARGUMENTS}.done"], "no arguments")
            _rule(item["arguments"] == whole and item["call_id"] == started["call_id"], "changed")
        else:
            part, text, name, _ = _PARTS[item["type"]]
            order = [f"{part}.added", f"{text}.delta", f"{text}.done", f"{part}.done"]
            is_proof = item["type"] == "reasoning" and not whole and item["encrypted_content"]
            _rule(self._trail == ([] if is_proof else order), f"the order {self._trail}")
            _rule("".join(entry["text"] for entry in item[name]) == whole, "not what was streamed")
        self.output.append(item)
        self._open = None


def _rule(holds: object, words: str) -> None:
    if not holds:
        raise WrongEvent(words)

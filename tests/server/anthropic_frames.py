"""A checker of the events of a streamed message: what every client of Anthropic's format relies on.

Fed with bytes as they come, it holds each event against the ones before and puts the message
together again, with a reader of its own.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

_DELTAS = {
    "text": {"text_delta": "text"},
    "thinking": {"thinking_delta": "thinking", "signature_delta": "signature"},
    "tool_use": {"input_json_delta": "partial_json"},
}
_EMPTY = {"text": "", "thinking": "", "signature": "", "input": {}}
_REASONS = ("end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal")
_COUNTS = (
    "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens",
)  # fmt: skip
_TOOL_ID = re.compile(r"toolu_[A-Za-z0-9_-]+")


class WrongEvent(AssertionError):
    """An event that breaks the rules."""


@dataclass
class MessageEvents:
    """The state of one stream; `blocks` are those of the message, as a client would send them."""

    blocks: list[dict[str, Any]] = field(default_factory=list)
    start: dict[str, Any] = field(default_factory=dict)
    """What message_start says."""
    stop_reason: str = ""
    stop_sequence: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    pings: int = 0
    is_done: bool = False
    _rest: bytes = b""
    _open: dict[str, Any] | None = None
    _pieces: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: bytes) -> "MessageEvents":
        """Checks a whole stream."""
        events = cls()
        events.feed(data)
        events.close()
        return events

    @property
    def text(self) -> str:
        """The text blocks, joined."""
        return "".join(block["text"] for block in self.blocks if block["type"] == "text")

    @property
    def thinking(self) -> str:
        """The thinking blocks, joined."""
        return "".join(block["thinking"] for block in self.blocks if block["type"] == "thinking")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The tool_use blocks."""
        return [block for block in self.blocks if block["type"] == "tool_use"]

    def feed(self, data: bytes) -> None:
        """Takes the next bytes. Raises `WrongEvent`."""
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        for frame in frames:
            name, _, body = frame.partition(b"\n")
            _rule(
                name.startswith(b"event: ") and body.startswith(b"data: "), f"no event: {frame!r}"
            )
            event = json.loads(body.removeprefix(b"data: "))
            _rule(event["type"] == name.decode().removeprefix("event: "), "two types in one event")
            self._event(event)

    def close(self) -> None:
        """The stream is over. Raises `WrongEvent` where it is not whole."""
        _rule(not self._rest, "the stream ends inside an event")
        _rule(self.is_done or self.error, "the stream ends without message_stop")

    def _event(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        _rule(not self.is_done and self.error is None, f"{kind} after the end")
        _rule(bool(self.start) != (kind == "message_start"), "message_start comes once, and first")
        match kind:
            case "message_start":
                self._start(event["message"])
            case "ping":
                self.pings += 1
            case "error":
                _rule(event["error"]["type"] and event["error"]["message"], "an error that is mute")
                self.error = event["error"]
            case "message_stop":
                _rule(self.stop_reason, "message_stop before message_delta")
                self.is_done = True
            case _:
                _rule(not self.stop_reason, f"{kind} after message_delta")
                self._inside(event)

    def _start(self, message: dict[str, Any]) -> None:
        _rule(message["id"].startswith("msg_") and message["role"] == "assistant", "no message")
        _rule(message["content"] == [] and message["stop_reason"] is None, "it begins with content")
        _rule(message["usage"]["input_tokens"] > 0, "an input of no tokens")
        _rule(set(_COUNTS) <= set(message["usage"]), "counts are missing")
        self.start = message

    def _inside(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "content_block_start":
                _rule(self._open is None, "a block begins inside another")
                _rule(event["index"] == len(self.blocks), "an index that is not the next")
                self._begin(event["content_block"])
            case "content_block_delta":
                _rule(event["index"] == len(self.blocks), "a delta of another block")
                self._grow(event["delta"])
            case "content_block_stop":
                _rule(event["index"] == len(self.blocks), "the end of another block")
                self._end()
            case "message_delta":
                self._finish(event)
            case kind:
                raise WrongEvent(f"the event {kind!r}")

    def _begin(self, block: dict[str, Any]) -> None:
        names = set(_EMPTY) & set(block)
        _rule(all(block[name] == _EMPTY[name] for name in names), "a block that begins full")
        later = any(b["type"] == "tool_use" for b in self.blocks) and block["type"] != "tool_use"
        _rule(not later, "something comes after a call")
        if block["type"] == "tool_use":
            _rule(_TOOL_ID.fullmatch(block["id"]) and block["name"], "no id or name")
            _rule(block["id"] not in {call["id"] for call in self.calls}, "an id comes twice")
        self._open, self._pieces = dict(block), {}

    def _grow(self, delta: dict[str, Any]) -> None:
        _rule(self._open is not None, "a delta outside of blocks")
        assert self._open is not None
        names = _DELTAS[self._open["type"]]
        _rule(delta["type"] in names, f"{delta['type']} in a block of {self._open['type']}")
        _rule("signature" not in self._pieces, "something comes after the signature")
        name = names[delta["type"]]
        _rule(delta[name], "an empty delta")
        self._pieces.setdefault(name, []).append(delta[name])

    def _end(self) -> None:
        block, whole = self._open, {name: "".join(p) for name, p in self._pieces.items()}
        _rule(block is not None and whole, "a block without deltas")
        assert block is not None
        if block["type"] == "tool_use":
            block["input"] = json.loads(whole["partial_json"])
            _rule(isinstance(block["input"], dict), "an input that is no object")
        else:
            block |= whole
            _rule(block.get("signature") != "", "thoughts without a signature")
        self.blocks.append(block)
        self._open = None

    def _finish(self, event: dict[str, Any]) -> None:
        _rule(self._open is None, "message_delta inside a block")
        self.stop_reason = event["delta"]["stop_reason"]
        self.stop_sequence = event["delta"]["stop_sequence"]
        _rule(self.stop_reason in _REASONS, f"the reason {self.stop_reason!r}")
        is_cut = self.stop_reason == "stop_sequence"
        _rule(is_cut == bool(self.stop_sequence), "stop_sequence goes with its reason")
        _rule(self.stop_reason != "tool_use" or self.calls, "tool_use without a call")
        self.usage = event["usage"]
        _rule(set(_COUNTS) <= set(self.usage), "counts are missing")


def _rule(holds: object, words: str) -> None:
    if not holds:
        raise WrongEvent(words)

"""A checker of the frames of a streamed chat completion: what every client may rely on.

Fed with bytes as they come, it holds each frame against the ones before and puts the answer
together again, with a reader of its own.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

_ID = re.compile(r"chatcmpl-\w+")
_REASONS = ("stop", "length", "tool_calls", "content_filter")


class WrongFrame(AssertionError):
    """A frame that breaks the rules."""


def _loaded(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise WrongFrame(f"no JSON: {text[:100]!r}") from error


@dataclass
class Call:
    """A call as it was put together."""

    id: str
    name: str
    arguments: str = ""


@dataclass
class ChatFrames:
    """The state of one stream. `include_usage` says whether the client asked for the chunk."""

    include_usage: bool = False
    text: str = ""
    reasoning: str = ""
    calls: dict[int, Call] = field(default_factory=dict)
    finish: str = ""
    usage: dict[str, Any] | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    openswarm: dict[str, Any] | None = None
    pings: int = 0
    has_role: bool = False
    is_done: bool = False
    _rest: bytes = b""
    _envelope: tuple[Any, ...] | None = None
    _usage_chunk: bool = False

    @classmethod
    def of(cls, data: bytes, *, include_usage: bool = False) -> "ChatFrames":
        """Checks a whole stream."""
        frames = cls(include_usage)
        frames.feed(data)
        frames.close()
        return frames

    def feed(self, data: bytes) -> None:
        """Takes the next bytes. Raises `WrongFrame`."""
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        for frame in frames:
            self._frame(frame)

    def close(self) -> None:
        """The stream is over. Raises `WrongFrame` where it is not whole."""
        self._rule(not self._rest, "the stream ends inside a frame")
        self._rule(self.is_done, "the stream ends without [DONE]")

    def _rule(self, holds: object, words: str) -> None:
        if not holds:
            raise WrongFrame(words)

    def _frame(self, frame: bytes) -> None:
        self._rule(not self.is_done, "something comes after [DONE]")
        if frame.startswith(b":"):
            self.pings += 1
            return
        self._rule(frame.startswith(b"data: ") and b"\n" not in frame, f"no data line: {frame!r}")
        data = frame.removeprefix(b"data: ")
        if data == b"[DONE]":
            self._end()
            return
        self._rule(self.error is None, "something comes after an error")
        chunk = _loaded(data)
        if "error" in chunk:
            self.error = chunk["error"]
            return
        self._chunk(chunk)

    def _end(self) -> None:
        self.is_done = True
        if self.error is not None:
            return
        self._rule(self.finish, "no reason for the end")
        self._rule(self._usage_chunk == self.include_usage, "the chunk of usage is wanted or not")
        for call in self.calls.values():
            _loaded(call.arguments)

    def _chunk(self, chunk: dict[str, Any]) -> None:
        self._rule(chunk["object"] == "chat.completion.chunk", "the wrong object")
        envelope = (chunk["id"], chunk["created"], chunk["model"])
        self._rule(_ID.fullmatch(chunk["id"]) and isinstance(chunk["created"], int), "no id, time")
        self._rule(self._envelope in (None, envelope), "id, time or model changed")
        self._envelope = envelope
        self._rule(not self._usage_chunk, "something comes after the usage")
        self.openswarm = chunk.get("openswarm", self.openswarm)
        if not chunk["choices"]:
            self._without_choice(chunk)
            return
        self._rule(len(chunk["choices"]) == 1 and not self.finish, "a choice too many")
        self._choice(chunk["choices"][0])

    def _without_choice(self, chunk: dict[str, Any]) -> None:
        if "openswarm_event" in chunk:
            self.events.append(chunk["openswarm_event"])
            return
        self._rule(self.finish and self.usage == chunk["usage"], "usage that is not the choice's")
        self._usage_chunk = True

    def _choice(self, choice: dict[str, Any]) -> None:
        delta, reason = choice["delta"], choice["finish_reason"]
        self._rule(choice["index"] == 0, "another choice")
        self._rule(self.has_role != ("role" in delta), "the role comes once, and first")
        self._rule(delta.get("role", "assistant") == "assistant", "another role")
        self.has_role = True
        kinds = [name for name in ("content", "reasoning_content", "tool_calls") if delta.get(name)]
        self._rule(len(kinds) <= 1, f"{kinds} in one delta")
        self._rule(reason is None or not delta, "something beside the reason for the end")
        if thought := delta.get("reasoning_content"):
            self._rule(not self.text and not self.calls, "a thought after the answer began")
            self.reasoning += thought
        if text := delta.get("content"):
            self._rule(not self.calls, "text after a call")
            self.text += text
        for piece in delta.get("tool_calls", ()):
            self._piece(piece)
        if reason is not None:
            self._rule(reason in _REASONS, f"the reason {reason!r}")
            self._rule((reason == "tool_calls") == bool(self.calls), "tool_calls goes with calls")
            self.finish, self.usage = reason, choice["usage"]

    def _piece(self, piece: dict[str, Any]) -> None:
        index = piece["index"]
        if index not in self.calls:
            self._rule(index == len(self.calls), "an index that is not the next")
            self._rule(piece["type"] == "function" and piece["id"], "a call without type or id")
            self._rule(
                piece["id"] not in {call.id for call in self.calls.values()}, "an id comes twice"
            )
            self.calls[index] = Call(piece["id"], piece["function"]["name"])
        else:
            self._rule("id" not in piece and "type" not in piece, "id or type come again")
            self._rule("name" not in piece["function"], "the name comes again")
        self.calls[index].arguments += piece["function"].get("arguments", "")

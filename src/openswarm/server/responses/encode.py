"""Answers in the Responses format: events in their order, and the document that they amount to.

Only streams; the whole answer is what the last event carries. Items follow one after the other
and keep their ids. The proof of the reasoning is known at the end alone: where text came after
the thoughts, an item of its own before the calls carries it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from openswarm.core.events import AnyEvent
from openswarm.core.messages import ToolCall, Usage
from openswarm.llm.model import Delta
from openswarm.server.chat import ChatReply
from openswarm.server.failures import ApiError
from openswarm.server.opaque import hand_out_id, hand_out_proof
from openswarm.server.responses.events import Events, Item
from openswarm.server.responses.parse import Asked

_CUT = {"length": "max_output_tokens", "content_filter": "content_filter"}
_CODES = {"context_overflow": "context_length_exceeded", "quota": "insufficient_quota"}


def _thoughts() -> Item:
    item: Item = {"id": f"rs_{uuid4().hex}", "type": "reasoning", "summary": []}
    return {**item, "encrypted_content": None}


def _said() -> Item:
    item: Item = {"id": f"msg_{uuid4().hex}", "type": "message", "role": "assistant"}
    return {**item, "status": "in_progress", "content": []}


def _summary_part(text: str) -> Item:
    return {"type": "summary_text", "text": text}


def _text_part(text: str) -> Item:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of delta is written: its item, the one part of that, and their events."""

    item: Callable[[], Item]
    part: Callable[[str], Item]
    parts: str
    """The item's field that holds the part."""
    part_event: str
    text_event: str
    place: Mapping[str, int]
    more: Mapping[str, Any] = field(default_factory=dict)


_KINDS = {
    "reasoning": _Kind(
        _thoughts, _summary_part, "summary", "response.reasoning_summary_part",
        "response.reasoning_summary_text", {"summary_index": 0},
    ),
    "text": _Kind(
        _said, _text_part, "content", "response.content_part",
        "response.output_text", {"content_index": 0}, {"logprobs": []},
    ),
}  # fmt: skip


def encode_reply(reply: ChatReply, asked: Asked) -> Item:
    """The whole answer as one response."""
    frames = ResponseFrames(asked)
    frames.delta(Delta("reasoning", reply.message.reasoning))
    frames.delta(Delta("text", reply.message.text))
    frames.end(reply)
    return frames.response


class ResponseFrames:
    """The events of one streamed answer; see `streaming.Frames`."""

    def __init__(self, asked: Asked) -> None:
        self._messages = asked.chat.messages
        self._events = Events()
        self._open: Literal["", "reasoning", "text"] = ""
        self._pieces: list[str] = []
        self.response: Item = {
            "id": f"resp_{uuid4().hex}",
            "object": "response",
            "created_at": int(time.time()),
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "output": [],
            "usage": None,
            **asked.echo,
        }

    def begin(self) -> bytes:
        """The response before anything of it is there."""
        return self._events.opening(self.response)

    def delta(self, delta: Delta) -> bytes:
        """A piece of the thoughts or of the text."""
        if not delta.text:
            return b""
        kind = _KINDS[delta.kind]
        opened = self._opened(delta.kind)
        self._pieces.append(delta.text)
        return opened + self._events.inside(
            f"{kind.text_event}.delta", delta=delta.text, **kind.place, **kind.more
        )

    def event(self, event: AnyEvent) -> bytes:
        """Events of a run are not part of this format."""
        return b""

    def end(self, reply: ChatReply) -> bytes:
        """The last items, and the response with all of them."""
        signature, calls = reply.message.signature, reply.message.tool_calls
        cut = _CUT.get(reply.finish)
        status = "incomplete" if cut else "completed"
        earlier = sum(len(message.tool_calls) for message in self._messages)
        closed = (
            self._proven(signature)
            if signature and calls
            else self._closed(status=status, signature=signature)
        )
        frames = [
            closed,
            *(self._call(call, number) for number, call in enumerate(calls, earlier)),
        ]
        details = {"reason": cut} if cut else None
        usage = _usage(reply.usage)
        frames.append(self._final(status, incomplete_details=details, usage=usage))
        return b"".join(frames)

    def error(self, error: ApiError) -> bytes:
        """The response that broke, with what there is of it."""
        code = "rate_limit_exceeded" if error.status == 429 else "server_error"
        failure = {"code": _CODES.get(error.kind, code), "message": error.message}
        return self._closed(status="incomplete") + self._final("failed", error=failure)

    def ping(self) -> bytes:
        """A sign of life: a comment, as the format has none of its own."""
        return b": ping\n\n"

    def _final(self, status: str, **fields: Any) -> bytes:
        self.response |= {"status": status, "output": self._events.output, **fields}
        return self._events.event(f"response.{status}", response=self.response)

    def _opened(self, name: Literal["reasoning", "text"]) -> bytes:
        if self._open == name:
            return b""
        closed = self._closed()
        self._open = name
        kind, events = _KINDS[name], self._events
        started = events.start(kind.item())
        part = kind.part("")
        return closed + started + events.inside(f"{kind.part_event}.added", part=part, **kind.place)

    def _closed(self, *, status: str = "completed", signature: str = "") -> bytes:
        """The end of the open item."""
        if not self._open:
            return b""
        kind, events, text = _KINDS[self._open], self._events, "".join(self._pieces)
        if self._open == "reasoning":
            events.output[-1]["encrypted_content"] = hand_out_proof(signature)
        else:
            events.output[-1]["status"] = status
        self._open, self._pieces = "", []
        part = kind.part(text)
        events.output[-1][kind.parts] = [part]
        return (
            events.inside(f"{kind.text_event}.done", text=text, **kind.place, **kind.more)
            + events.inside(f"{kind.part_event}.done", part=part, **kind.place)
            + events.done()
        )

    def _proven(self, signature: str) -> bytes:
        """The end of the open item, and the proof of the thoughts before the calls."""
        if self._open == "reasoning":
            return self._closed(signature=signature)
        closed, events = self._closed(), self._events
        started = events.start(_thoughts())
        events.output[-1]["encrypted_content"] = hand_out_proof(signature)
        return closed + started + events.done()

    def _call(self, call: ToolCall, number: int) -> bytes:
        events, arguments = self._events, call.arguments or "{}"
        item: Item = {
            "id": f"fc_{uuid4().hex}", "type": "function_call", "status": "in_progress",
            "call_id": hand_out_id("call", number, call.id), "name": call.name, "arguments": "",
        }  # fmt: skip
        started = events.start(item)
        item |= {"status": "completed", "arguments": arguments}
        event = "response.function_call_arguments"
        return (
            started
            + events.inside(f"{event}.delta", delta=arguments)
            + events.inside(f"{event}.done", name=call.name, arguments=arguments)
            + events.done()
        )


def _usage(usage: Usage) -> Item:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.written_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.total_tokens,
    }

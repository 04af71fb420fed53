"""Anthropic's Messages format, from the wire: streamed events folded into one reply.

Pure. A reply with thinking carries its layout in `Message.signature`: the order and lengths of
its blocks with the provider's signatures, from which `anthropic_wire` writes them back unchanged.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from openswarm.core.errors import Fault, ModelError
from openswarm.core.messages import Message, ToolCall, Usage
from openswarm.llm.http import fault_of
from openswarm.llm.model import Delta, OnDelta, Reply
from openswarm.llm.openai_wire import MAX_CALLS, MAX_REPLY_CHARS, unique_calls

_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The HTTP status that each type of error has where it comes before the stream."""
_FINISH = {
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
_INPUT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


@dataclass(slots=True)
class _Block:
    """One content block as it grows; `opaque` is a signature, or redacted thoughts."""

    type: str
    id: str = ""
    name: str = ""
    opaque: str = ""
    input: str = ""
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(slots=True)
class ReplyFold:
    """Folds the events of a stream; `done` once the server said that the message is whole."""

    on_delta: OnDelta
    done: bool = False
    _blocks: dict[int, _Block] = field(default_factory=dict)
    _usage: dict[str, int] = field(default_factory=dict)
    _stop_reason: str = ""
    _model: str = ""
    _size: int = 0

    def event(self, data: bytes) -> None:
        """Takes the data of one event. Raises `ModelError` for an error inside the stream."""
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise ModelError(Fault.BROKEN, "an event of the stream is not JSON") from None
        if not isinstance(value, dict):
            raise ModelError(Fault.PROTOCOL, "an event of the stream is not an object")
        match value.get("type"):
            case "content_block_delta":
                self._grow(self._block(value), _object(value, "delta"))
            case "content_block_start":
                self._start(value)
            case "message_start":
                message = _object(value, "message")
                self._model = str(message.get("model") or "")
                self._count(_object(message, "usage"))
            case "message_delta":
                self._stop_reason = str(_object(value, "delta").get("stop_reason") or "")
                self._count(_object(value, "usage"))
            case "message_stop":
                self.done = True
            case "error":
                raise stream_error(_object(value, "error"))

    def _block(self, value: dict[str, Any]) -> _Block:
        block = self._blocks.get(_index(value))
        if block is None:
            raise ModelError(Fault.PROTOCOL, "the stream goes on with a block that never began")
        return block

    def _start(self, value: dict[str, Any]) -> None:
        if len(self._blocks) >= MAX_CALLS:
            raise ModelError(Fault.PROTOCOL, f"more than {MAX_CALLS} blocks in one reply")
        start = _object(value, "content_block")
        block = _Block(str(start.get("type") or ""))
        block.id = str(start.get("id") or "")
        block.name = str(start.get("name") or "")
        block.opaque = str(start.get("signature") or start.get("data") or "")
        block.input = orjson.dumps(_object(start, "input")).decode()
        self._blocks[_index(value)] = block
        for kind in ("text", "thinking"):
            self._grow(block, {"type": f"{kind}_delta", kind: start.get(kind)})

    def _grow(self, block: _Block, delta: dict[str, Any]) -> None:
        kind = delta.get("type")
        if kind == "signature_delta":
            block.opaque += str(delta.get("signature") or "")
        piece = delta.get(_PIECES.get(str(kind), ""))
        if not isinstance(piece, str) or not piece:
            return
        self._size += len(piece)
        if self._size > MAX_REPLY_CHARS:
            raise ModelError(Fault.PROTOCOL, f"a reply of more than {MAX_REPLY_CHARS} characters")
        block.pieces.append(piece)
        if kind == "text_delta":
            self.on_delta(Delta("text", piece))
        elif kind == "thinking_delta":
            self.on_delta(Delta("reasoning", piece))

    def _count(self, usage: dict[str, Any]) -> None:
        """Later counts go before earlier ones: they are cumulative."""
        for key in (*_INPUT, "output_tokens"):
            if isinstance(usage.get(key), int):
                self._usage[key] = usage[key]

    def reply(self, request_bytes: int) -> Reply:
        """The whole reply. Where the endpoint counts no tokens, four bytes are taken for one."""
        blocks = [self._blocks[index] for index in sorted(self._blocks)]
        calls = _calls(blocks)
        message = Message(
            role="assistant",
            content="".join(block.text for block in blocks if block.type == "text"),
            reasoning="".join(block.text for block in blocks if block.type == "thinking"),
            tool_calls=calls,
            signature=_layout(blocks),
        )
        finish = _FINISH.get(self._stop_reason, "stop")
        if calls and finish != "content_filter":
            finish = "tool_calls"
        return Reply(message, self._total(request_bytes), finish, self._model)

    def _total(self, request_bytes: int) -> Usage:
        return Usage(
            input_tokens=sum(self._usage.get(key, 0) for key in _INPUT) or request_bytes // 4 + 1,
            output_tokens=self._usage.get("output_tokens") or self._size // 4 + 1,
            cached_tokens=self._usage.get("cache_read_input_tokens", 0),
            written_tokens=self._usage.get("cache_creation_input_tokens", 0),
        )


def _calls(blocks: list[_Block]) -> tuple[ToolCall, ...]:
    return tuple(
        unique_calls(
            [block.id, block.name, block.text or block.input]
            for block in blocks
            if block.type == "tool_use"
        )
    )


def _layout(blocks: list[_Block]) -> str:
    """The order of the blocks, for replies that think; '' for the others."""
    if not any("thinking" in block.type for block in blocks):
        return ""
    layout: list[list[Any]] = []
    for block in blocks:
        match block.type:
            case "thinking":
                layout.append(["thinking", len(block.text), block.opaque])
            case "redacted_thinking":
                layout.append(["redacted", block.opaque])
            case "text":
                layout.append(["text", len(block.text)])
            case "tool_use":
                layout.append(["call"])
    return orjson.dumps(layout).decode()


def stream_error(error: dict[str, Any]) -> ModelError:
    """An error event, classified like the HTTP error of the same type."""
    kind = str(error.get("type") or "")
    message = f"{error.get('message') or 'no message'} {kind}".strip()
    fault = fault_of(_STATUS.get(kind, 500), message)
    return ModelError(fault, f"error in the stream: {message[:500]}")


def _object(value: dict[str, Any], key: str) -> dict[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _index(value: dict[str, Any]) -> int:
    index = value.get("index")
    if not isinstance(index, int):
        raise ModelError(Fault.PROTOCOL, "a block of the stream has no index")
    return index

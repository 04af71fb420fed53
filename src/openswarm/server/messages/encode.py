"""Answers in Anthropic's Messages format: one document, or events in their order.

message_start, ping, blocks one after the other, message_delta, message_stop. The proof of the
reasoning is known at the end alone: where thoughts are the last block before the calls it closes
them, and where text came between, an empty block of thoughts before the calls carries it.
"""

from typing import Any, Literal
from uuid import uuid4

import orjson

from openswarm.core.events import AnyEvent
from openswarm.core.messages import ToolCall, Usage
from openswarm.llm.model import Delta
from openswarm.server.chat import ChatReply, ChatRequest, estimate_tokens
from openswarm.server.failures import ApiError
from openswarm.server.opaque import hand_out_id, hand_out_proof
from openswarm.server.refusals import anthropic_body

Block = dict[str, Any]
_REASONS = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
}


def encode_reply(reply: ChatReply, chat: ChatRequest) -> Block:
    """The whole answer as one message."""
    said = reply.message
    blocks: list[Block] = []
    if said.reasoning or (said.signature and said.tool_calls):
        proof = hand_out_proof(said.signature)
        blocks.append({"type": "thinking", "thinking": said.reasoning, "signature": proof})
    if said.text:
        blocks.append({"type": "text", "text": said.text})
    blocks += (_tool_use(call, number, call_input(call)) for number, call in _numbered(reply, chat))
    message = _message(chat, blocks, _usage(reply.usage))
    return {**message, **_stop(reply)}


class MessageFrames:
    """The events of one streamed answer; see `streaming.Frames`."""

    def __init__(self, chat: ChatRequest) -> None:
        self._chat = chat
        self._open: Literal["", "thinking", "text"] = ""
        self._blocks = 0

    def begin(self) -> bytes:
        """The beginning of the message, with an estimate of its input."""
        usage = _usage(Usage(input_tokens=estimate_tokens(self._chat)))
        message = {**_message(self._chat, [], usage), "stop_reason": None, "stop_sequence": None}
        return _frame({"type": "message_start", "message": message}) + self.ping()

    def delta(self, delta: Delta) -> bytes:
        """A piece of the thoughts or of the text."""
        if not delta.text:
            return b""
        if delta.kind == "reasoning":
            return self._opened("thinking") + self._piece("thinking_delta", "thinking", delta.text)
        return self._opened("text") + self._piece("text_delta", "text", delta.text)

    def event(self, event: AnyEvent) -> bytes:
        """Events of a run are not part of this format."""
        return b""

    def end(self, reply: ChatReply) -> bytes:
        """The last blocks, why the message ends, and what it used."""
        signature, calls = reply.message.signature, reply.message.tool_calls
        frames = [self._opened("thinking") if signature and calls else b"", self._closed(signature)]
        frames += (self._call(call, number) for number, call in _numbered(reply, self._chat))
        frames.append(
            _frame({"type": "message_delta", "delta": _stop(reply), "usage": _usage(reply.usage)})
        )
        frames.append(_frame({"type": "message_stop"}))
        return b"".join(frames)

    def error(self, error: ApiError) -> bytes:
        """The error that broke the stream."""
        return _frame(anthropic_body(error))

    def ping(self) -> bytes:
        """A sign of life."""
        return _frame({"type": "ping"})

    def _opened(self, kind: Literal["thinking", "text"]) -> bytes:
        if self._open == kind:
            return b""
        closed = self._closed("")
        self._open = kind
        empty = {"type": kind, kind: ""}
        if kind == "thinking":
            empty["signature"] = ""
        return closed + self._start(empty)

    def _closed(self, signature: str) -> bytes:
        """The end of the open block; thoughts end with their proof."""
        if not self._open:
            return b""
        proof = b""
        if self._open == "thinking":
            proof = self._piece("signature_delta", "signature", hand_out_proof(signature))
        self._open = ""
        return proof + self._stopped()

    def _call(self, call: ToolCall, number: int) -> bytes:
        text = orjson.dumps(call_input(call)).decode()
        piece = self._piece
        return (
            self._start(_tool_use(call, number, {}))
            + piece("input_json_delta", "partial_json", text)
            + self._stopped()
        )

    def _start(self, block: Block) -> bytes:
        self._blocks += 1
        return _frame(
            {"type": "content_block_start", "index": self._blocks - 1, "content_block": block}
        )

    def _piece(self, kind: str, name: str, text: str) -> bytes:
        delta = {"type": kind, name: text}
        return _frame({"type": "content_block_delta", "index": self._blocks - 1, "delta": delta})

    def _stopped(self) -> bytes:
        return _frame({"type": "content_block_stop", "index": self._blocks - 1})


def call_input(call: ToolCall) -> Any:
    """The arguments as the object that the format demands, whatever a model wrote."""
    try:
        given = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError:
        given = None
    return given if isinstance(given, dict) else {"unparsed": call.arguments}


def _message(chat: ChatRequest, blocks: list[Block], usage: Block) -> Block:
    return {
        "id": f"msg_{uuid4().hex}", "type": "message", "role": "assistant",
        "model": chat.served.name, "content": blocks, "usage": usage,
    }  # fmt: skip


def _numbered(reply: ChatReply, chat: ChatRequest) -> enumerate[ToolCall]:
    """The calls with their places in the conversation."""
    return enumerate(reply.message.tool_calls, sum(len(m.tool_calls) for m in chat.messages))


def _tool_use(call: ToolCall, number: int, given: Any) -> Block:
    identity = hand_out_id("toolu", number, call.id)
    return {"type": "tool_use", "id": identity, "name": call.name, "input": given}


def _stop(reply: ChatReply) -> Block:
    if reply.stopped_at:
        return {"stop_reason": "stop_sequence", "stop_sequence": reply.stopped_at}
    return {"stop_reason": _REASONS[reply.finish], "stop_sequence": None}


def _usage(usage: Usage) -> Block:
    """Input counts without what was read from or written to the cache, as Anthropic counts."""
    cached = usage.cached_tokens + usage.written_tokens
    return {
        "input_tokens": max(0, usage.input_tokens - cached),
        "cache_creation_input_tokens": usage.written_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }


def _frame(value: Block) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (value["type"].encode(), orjson.dumps(value))

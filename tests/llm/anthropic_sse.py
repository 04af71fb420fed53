"""Streams in Anthropic's Messages format, written by hand for the tests of its client."""

import json
from typing import Any


def event(kind: str, **fields: Any) -> bytes:
    """One server-sent event."""
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def start(**usage: int) -> bytes:
    """What opens every stream."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 1, **usage},
    }
    return event("message_start", message=message) + event("ping")


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    """One content block from start to stop."""
    middle = b"".join(event("content_block_delta", index=index, delta=delta) for delta in deltas)
    return (
        event("content_block_start", index=index, content_block=content)
        + middle
        + event("content_block_stop", index=index)
    )


def text(index: int, *pieces: str) -> bytes:
    """A text block."""
    deltas = ({"type": "text_delta", "text": piece} for piece in pieces)
    return block(index, {"type": "text", "text": ""}, *deltas)


def thinking(index: int, thought: str, signature: str) -> bytes:
    """A thinking block with its signature at the end."""
    return block(
        index,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": thought},
        {"type": "signature_delta", "signature": signature},
    )


def tool_use(index: int, identity: str, name: str, *pieces: str) -> bytes:
    """A call whose arguments come in pieces."""
    deltas = ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
    return block(index, {"type": "tool_use", "id": identity, "name": name, "input": {}}, *deltas)


def end(stop_reason: str = "end_turn", **usage: int) -> bytes:
    """What closes every stream."""
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    return event("message_delta", delta=delta, usage={"output_tokens": 9, **usage}) + event(
        "message_stop"
    )

"""The scripted replies as bytes: server-sent events of chat completions, and plain HTTP/1.1.

Pure. Knows nothing of scenarios beyond how a reply is cut into deltas and billed.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Any

import orjson

from bench.script import Said

DONE = b"data: [DONE]\n\n"
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
STREAM_END = b"0\r\n\r\n"
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests", 500: "Error"}


def stream_of(said: Said, identity: str, deltas: int, usage: tuple[int, int]) -> list[bytes]:
    """The events of one reply: `deltas` of them, the finish reason, the usage, the end mark."""
    events = [event(identity, {"role": "assistant", "content": ""})]
    events += [text_event(identity, piece) for piece in _pieces(said.text, deltas, said)]
    for index, (name, arguments) in enumerate(said.calls):
        call = {"index": index, "id": f"call_{identity}_{index}", "type": "function"}
        function = {"name": name, "arguments": arguments}
        events.append(event(identity, {"tool_calls": [{**call, "function": function}]}))
    events.append(event(identity, {}, finish="tool_calls" if said.calls else "stop"))
    events.append(_data({**_envelope(identity), "choices": [], "usage": _usage(usage)}))
    events.append(DONE)
    return events


def event(identity: str, delta: dict[str, Any], finish: str | None = None) -> bytes:
    """One chunk of a chat completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _data({**_envelope(identity), "choices": [choice]})


def text_event(identity: str, text: str) -> bytes:
    """A chunk of text; its tail is kept, as the same few words come again and again."""
    return b'data: {"id":"%s",%s' % (identity.encode(), _text_tail(text))


def http_chunk(data: bytes) -> bytes:
    """A chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def response(status: int, value: Any, headers: str = "") -> bytes:
    """A whole JSON response."""
    body = orjson.dumps(value)
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


def error(status: int, message: str, headers: str = "") -> bytes:
    """An error as OpenAI writes it."""
    return response(status, {"error": {"message": message, "type": "bench"}}, headers)


def _envelope(identity: str) -> dict[str, Any]:
    return {"id": identity, "object": "chat.completion.chunk", "created": 0, "model": "bench"}


@lru_cache(maxsize=4096)
def _text_tail(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return _data({**_envelope(""), "choices": [choice]}).removeprefix(b'data: {"id":"",')


def _data(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    prompt, completion = usage
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _pieces(text: str, deltas: int, said: Said) -> list[str]:
    """The text in as many pieces as leave room for the role and the calls."""
    room = min(max(deltas - 1 - len(said.calls), 1), len(text))
    bounds = [len(text) * number // room for number in range(room + 1)] if room else []
    return [text[start:end] for start, end in pairwise(bounds)]

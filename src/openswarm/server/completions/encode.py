"""Answers as OpenAI's clients and Moonshot's read them: chunks of a stream, or one object.

The rules of the stream: id, time and model are constant; the role comes in the first chunk; each
call of a tool has its index in every piece, and its id and name once; one reason for the end.
"""

import secrets
import time
from collections.abc import Iterator
from typing import Any

import orjson

from openswarm.core.events import AnyEvent
from openswarm.core.messages import ToolCall, Usage
from openswarm.llm.model import Delta
from openswarm.server.chat import ChatReply, ChatRequest
from openswarm.server.completions.call_ids import next_number, numbered
from openswarm.server.completions.parse import Asked
from openswarm.server.completions.swarm_events import event_object
from openswarm.server.completions.web_search import BUILTIN, NAME
from openswarm.server.failures import ApiError
from openswarm.server.refusals import openai_body

DONE = b"data: [DONE]\n\n"


class CompletionFrames:
    """The encoder of one answer; see `streaming.Frames`, and `whole` for one object."""

    def __init__(self, asked: Asked) -> None:
        self._chat = asked.chat
        self._include_usage = asked.include_usage
        self._first_call = next_number(asked.chat.messages)
        self._envelope = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": asked.chat.served.name,
        }

    def begin(self) -> bytes:
        """The chunk with the role."""
        return self._delta({"role": "assistant", "content": ""})

    def delta(self, delta: Delta) -> bytes:
        """A chunk with a piece of the text, or of what was thought."""
        if delta.kind == "text":
            return self._delta({"content": delta.text})
        return self._delta({"reasoning_content": delta.text}) if self._shows_thoughts else b""

    def event(self, event: AnyEvent) -> bytes:
        """A chunk without choices, for clients that asked for events."""
        if not self._chat.events:
            return b""
        return self._chunk([], openswarm_event=event_object(event))

    def end(self, reply: ChatReply) -> bytes:
        """The calls of tools, the reason for the end, the usage, and the mark of the end."""
        usage = usage_object(reply.usage)
        pieces = [
            self._delta({"tool_calls": [piece]})
            for index, call in enumerate(self._calls(reply))
            for piece in _call_pieces(index, call)
        ]
        choice = {"index": 0, "delta": {}, "finish_reason": _finish(reply), "usage": usage}
        pieces.append(self._chunk([choice], openswarm=run_object(reply)))
        if self._include_usage:
            pieces.append(self._chunk([], usage=usage))
        return b"".join((*pieces, DONE))

    def error(self, error: ApiError) -> bytes:
        """The error in place of the rest."""
        return _frame(openai_body(error)) + DONE

    def ping(self) -> bytes:
        """A comment."""
        return b": ping\n\n"

    def whole(self, reply: ChatReply) -> dict[str, Any]:
        """The answer as one object."""
        said = reply.message
        calls = self._calls(reply)
        message: dict[str, Any] = {"role": "assistant", "content": said.text}
        if said.reasoning and self._shows_thoughts:
            message["reasoning_content"] = said.reasoning
        if calls:
            message["content"] = said.text or None
            message["tool_calls"] = [_call(call) for call in calls]
        return {
            **self._envelope,
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": _finish(reply)}],
            "usage": usage_object(reply.usage),
            "openswarm": run_object(reply),
        }

    @property
    def _shows_thoughts(self) -> bool:
        """A client that switched thinking off is shown none, whatever the model does."""
        return self._chat.thinking is not False

    def _calls(self, reply: ChatReply) -> tuple[ToolCall, ...]:
        calls = (_as_declared(call, self._chat) for call in reply.message.tool_calls)
        return numbered(tuple(calls), self._first_call)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return self._chunk([{"index": 0, "delta": delta, "finish_reason": None}])

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        kind = "chat.completion.chunk"
        return _frame({**self._envelope, "object": kind, "choices": choices, **more})


def usage_object(usage: Usage) -> dict[str, Any]:
    """Tokens as OpenAI counts them, those of the cache also in Moonshot's field.

    What was thought is part of the completion and not counted apart.
    """
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "cached_tokens": usage.cached_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def run_object(reply: ChatReply) -> dict[str, Any]:
    """How the answer was made: ours beside the fields of the wire."""
    return {
        "run_id": reply.run_id or None,
        "mode": reply.mode,
        "mode_reason": reply.mode_reason,
        "outcome": reply.outcome or None,
        "cost_usd": reply.cost_usd,
    }


def _frame(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _finish(reply: ChatReply) -> str:
    if reply.message.tool_calls:
        return "tool_calls"
    return "stop" if reply.finish == "tool_calls" else reply.finish


def _as_declared(call: ToolCall, chat: ChatRequest) -> ToolCall:
    is_builtin = chat.search and call.name == NAME
    return call.model_copy(update={"name": BUILTIN}) if is_builtin else call


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _call_pieces(index: int, call: ToolCall) -> Iterator[dict[str, Any]]:
    """The head of a call, and then its arguments."""
    yield {"index": index, **_call(call.model_copy(update={"arguments": ""}))}
    yield {"index": index, "function": {"arguments": call.arguments}}

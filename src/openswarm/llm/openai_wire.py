"""OpenAI's chat completions on the wire: encode messages and requests, decode streamed chunks.

Pure; `openai_client` does the I/O. What differs between providers of this format is data
(`Quirks`), never a subclass.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import orjson

from openswarm.core.errors import Fault, ModelError
from openswarm.core.messages import ImagePart, Message, TextPart, ToolCall, Usage, VideoPart
from openswarm.llm.http import fault_of
from openswarm.llm.model import Delta, OnDelta, Reply, Request, ToolSpec

MAX_REPLY_CHARS = 8 * 1024 * 1024
MAX_CALLS = 1024
_TOO_MANY = re.compile(r"\brate.?limit|too many requests|overloaded", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a provider departs from the common format."""

    thinking: Literal["", "moonshot", "template"] = ""
    """The switch of reasoning: Moonshot's `thinking` field, or `chat_template_kwargs` of open
    servers; '' where there is none."""
    effort: bool = False
    """Takes `reasoning_effort`."""
    max_tokens: str = "max_tokens"
    """The name of the field for the output limit."""
    forced_calls: bool = True
    """Takes `tool_choice: required` while it thinks."""
    strict_schema: bool = True
    """Takes `response_format` of type json_schema."""
    usage_option: bool = True
    """Takes `stream_options.include_usage`."""
    extra: tuple[tuple[str, Any], ...] = ()
    """Fields that go into every request, such as a local server's sampling."""


def encode_message(message: Message) -> bytes:
    """One entry of `messages`. Reasoning is replayed beside tool calls, as K2.5 demands."""
    entry: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.tool_calls:
        entry["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
        if message.reasoning:
            entry["reasoning_content"] = message.reasoning
    if message.role == "tool":
        entry["tool_call_id"] = message.tool_call_id
    return orjson.dumps(entry)


def _content(message: Message) -> Any:
    if isinstance(message.content, str):
        return message.content
    return [_part(part) for part in message.content]


def _part(part: TextPart | ImagePart | VideoPart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    name = "image_url" if isinstance(part, ImagePart) else "video_url"
    return {"type": name, name: {"url": part.url}}


@lru_cache(maxsize=256)
def encode_tools(tools: tuple[ToolSpec, ...]) -> bytes:
    """The `tools` field; encoded once for equal tools."""
    return orjson.dumps(
        [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": orjson.Fragment(tool.parameters),
                },
            }
            for tool in tools
        ]
    )


def encode_request(request: Request, model: str, quirks: Quirks) -> bytes:
    """The whole body; the history's entries are taken as they were encoded before."""
    fields: dict[str, Any] = {
        "model": model,
        "stream": True,
        quirks.max_tokens: request.max_tokens,
        **dict(quirks.extra),
    }
    if quirks.usage_option:
        fields["stream_options"] = {"include_usage": True}
    if request.thinking is not None and quirks.thinking == "moonshot":
        fields["thinking"] = {"type": "enabled" if request.thinking else "disabled"}
    elif request.thinking is not None and quirks.thinking == "template":
        fields["chat_template_kwargs"] = {"thinking": request.thinking}
    if request.effort and quirks.effort:
        fields["reasoning_effort"] = request.effort
    if request.stop:
        fields["stop"] = request.stop
    if quirks.thinking != "moonshot":  # whose sampling is fixed
        fields |= request.sampling
    if request.schema is not None and quirks.strict_schema:
        fields["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": request.schema},
        }
    parts = [orjson.dumps(fields)[:-1]]
    if request.tools:
        parts += [b',"tools":', encode_tools(request.tools)]
        if request.must_call and (quirks.forced_calls or request.thinking is False):
            parts.append(b',"tool_choice":"required"')
    entries = request.history.encoded("openai", encode_message)
    parts += [b',"messages":[', b",".join(entries), b"]}"]
    return b"".join(parts)


@dataclass(slots=True)
class ReplyFold:
    """Folds streamed chunks into one reply."""

    on_delta: OnDelta
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, list[str]] = field(default_factory=dict)
    """By index: id, name, then fragments of the arguments."""
    usage: Usage | None = None
    finish: str = ""
    model: str = ""
    size: int = 0

    def chunk(self, data: bytes) -> None:
        """Takes one chunk. Raises `ModelError` for an error inside the stream."""
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise ModelError(Fault.BROKEN, "a chunk of the stream is not JSON") from None
        if not isinstance(value, dict):
            raise ModelError(Fault.PROTOCOL, "a chunk of the stream is not an object")
        if value.get("error"):
            raise stream_error(value["error"])
        try:
            self._take(value)
        except (AttributeError, TypeError, ValueError) as error:
            raise ModelError(
                Fault.PROTOCOL, f"a chunk of the stream is not a chat completion: {error}"
            ) from None

    def _take(self, value: dict[str, Any]) -> None:
        self.model = self.model or str(value.get("model") or "")
        self._take_usage(value.get("usage"))
        for choice in value.get("choices") or ():
            self._choice(choice)

    def _choice(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta") or choice.get("message")
        if delta:
            self._delta(delta)
        if choice.get("finish_reason"):
            self.finish = str(choice["finish_reason"])
        self._take_usage(choice.get("usage"))

    def _delta(self, delta: dict[str, Any]) -> None:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thought, str) and thought:
            self._grow(len(thought))
            self.reasoning.append(thought)
            self.on_delta(Delta("reasoning", thought))
        text = delta.get("content")
        if isinstance(text, str) and text:
            self._grow(len(text))
            self.text.append(text)
            self.on_delta(Delta("text", text))
        for fragment in delta.get("tool_calls") or ():
            self._fragment(fragment)

    def _fragment(self, fragment: dict[str, Any]) -> None:
        index = fragment.get("index")
        if not isinstance(index, int):
            index = len(self.calls) if fragment.get("id") else max(len(self.calls) - 1, 0)
        if index not in self.calls and len(self.calls) >= MAX_CALLS:
            raise ModelError(Fault.PROTOCOL, f"more than {MAX_CALLS} tool calls in one reply")
        call = self.calls.setdefault(index, ["", ""])
        function = fragment.get("function") or {}
        call[0] = call[0] or str(fragment.get("id") or "")
        call[1] = call[1] or str(function.get("name") or "")
        arguments = function.get("arguments")
        if arguments:
            piece = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
            self._grow(len(piece))
            call.append(piece)

    def _grow(self, size: int) -> None:
        self.size += size
        if self.size > MAX_REPLY_CHARS:
            raise ModelError(Fault.PROTOCOL, f"a reply of more than {MAX_REPLY_CHARS} characters")

    def _take_usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            details = usage.get("prompt_tokens_details") or {}
            cached = details.get("cached_tokens") or usage.get("cached_tokens")
            self.usage = Usage(
                input_tokens=_count(usage.get("prompt_tokens")),
                output_tokens=_count(usage.get("completion_tokens")),
                cached_tokens=_count(cached),
            )

    def reply(self, request_bytes: int) -> Reply:
        """The whole reply. Where the endpoint counts no tokens, four bytes are taken for one."""
        calls = tuple(unique_calls(self.calls[index] for index in sorted(self.calls)))
        message = Message(
            role="assistant",
            content="".join(self.text),
            reasoning="".join(self.reasoning),
            tool_calls=calls,
        )
        usage = self.usage or Usage(
            input_tokens=request_bytes // 4 + 1, output_tokens=self.size // 4 + 1
        )
        return Reply(message, usage, _finish(self.finish, bool(calls)), self.model)


def _count(value: Any) -> int:
    """A number of tokens: a stranger's word, but never less than nothing."""
    return max(0, int(value or 0))


def unique_calls(parts: Iterable[list[str]]) -> Iterable[ToolCall]:
    """Tool calls from id, name and fragments; ids that are missing or repeated are made unique."""
    seen: set[str] = set()
    for position, (identity, name, *fragments) in enumerate(parts):
        unique = identity or f"functions.{name}:{position}"
        while unique in seen:
            unique = f"{unique}_{position}"
        seen.add(unique)
        yield ToolCall(id=unique, name=name, arguments="".join(fragments) or "{}")


def stream_error(error: Any) -> ModelError:
    """An error that came inside a stream whose status was 200."""
    detail = error if isinstance(error, dict) else {"message": str(error)}
    message = " ".join(str(detail.get(key) or "") for key in ("message", "code", "type")).strip()
    code = detail.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else 0
    if status == 0:
        status = 429 if _TOO_MANY.search(message) else 500
    return ModelError(fault_of(status, message), f"error in the stream: {message[:500]}")


def _finish(reason: str, has_calls: bool) -> str:
    if has_calls:
        return "tool_calls"
    return reason if reason in ("length", "content_filter") else "stop"

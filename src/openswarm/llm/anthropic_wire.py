"""Anthropic's Messages format, to the wire: messages, tools and whole requests as bytes.

Pure; `anthropic_stream` reads replies and `anthropic_client` does the I/O. An entry of a
conversation is encoded once, as content blocks without their turn's brackets, so that entries of
one turn are merged by joining bytes.

Choices: a schema goes into `output_config.format`, since newer models refuse a forced tool;
`must_call` is `tool_choice: any` where the model can be held to it and a request otherwise.
Cache marks stand on the last tool, the last system block and the two newest user turns: the older
of these is where the last request wrote its entry, however many blocks came since.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from openswarm.core.errors import UserError
from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Message, TextPart, ToolCall, VideoPart
from openswarm.llm.claude import Claude, claude
from openswarm.llm.model import Request, ToolSpec

MIN_BUDGET = 1024
"""The smallest thinking budget that the API takes, in tokens."""
_SHARES = {"low": 0.25, "medium": 0.5, "high": 0.75, "max": 0.875}
"""The part of a reply's tokens that may be thoughts, by effort."""
_SAMPLING = ("temperature", "top_p", "top_k")
_MARK = b',"cache_control":{"type":"ephemeral"}}'
_BAD_ID = re.compile(r"[^a-zA-Z0-9_-]")
_IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_UNSUPPORTED = frozenset({
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
    "default", "examples", "title", "$schema",
})  # fmt: skip
"""Keywords that `output_config.format` refuses or ignores; who asked validates the answer."""

Block = dict[str, Any]


def encode_message(message: Message) -> bytes:
    """The content blocks of one entry, joined by commas; b'' where there is nothing to say."""
    return orjson.dumps(_blocks(message, replay=True))[1:-1]


def encode_unthinking(message: Message) -> bytes:
    """The same without thinking blocks, for requests that switch thinking off."""
    return orjson.dumps(_blocks(message, replay=False))[1:-1]


def _blocks(message: Message, *, replay: bool) -> list[Block]:
    if message.role == "tool":
        content = message.content if isinstance(message.content, str) else _parts(message)
        return [
            {"type": "tool_result", "tool_use_id": _id(message.tool_call_id), "content": content}
        ]
    if message.role != "assistant":
        return _parts(message)
    replayed = _replayed(message) if replay and message.signature else None
    return replayed or [*_parts(message), *map(_tool_use, message.tool_calls)]


def _parts(message: Message) -> list[Block]:
    if isinstance(message.content, str):
        return _text(message.content)
    return [block for part in message.content for block in _part(part)]


def _text(text: str) -> list[Block]:
    """A text block; the API refuses blank ones."""
    return [{"type": "text", "text": text}] if text.strip() else []


def _part(part: TextPart | ImagePart | VideoPart) -> list[Block]:
    if isinstance(part, TextPart):
        return _text(part.text)
    if isinstance(part, VideoPart):
        raise UserError("this model reads no video; attach single pictures, or use another model")
    return [{"type": "image", "source": _image_source(part.url)}]


def _image_source(url: str) -> Block:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    kind, _, data = url[len("data:") :].partition(";base64,")
    if kind not in _IMAGE_TYPES or not data:
        raise UserError(f"an image of type {kind[:40]!r} cannot be sent; convert it to PNG")
    return {"type": "base64", "media_type": kind, "data": data}


def _tool_use(call: ToolCall) -> Block:
    return {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": _input(call)}


def _input(call: ToolCall) -> Any:
    """The arguments as they were written, if they are an object, as the API demands."""
    try:
        whole = isinstance(orjson.loads(call.arguments), dict)
    except orjson.JSONDecodeError:
        whole = False
    return orjson.Fragment(call.arguments) if whole else {"unparsed": call.arguments}


def _id(identity: str) -> str:
    """A call's id in the letters that the API takes; other providers write `functions.name:0`."""
    return _BAD_ID.sub("_", identity)


def _replayed(message: Message) -> list[Block] | None:
    """The reply's blocks in the order in which they came, by the layout in its signature.

    None where the signature is not such a layout, or the message was changed since.
    """
    if not isinstance(message.content, str):
        return None
    try:
        layout = orjson.loads(message.signature)
    except orjson.JSONDecodeError:
        return None
    blocks: list[Block] = []
    seen = {"text": 0, "thinking": 0, "call": 0}
    for item in layout if isinstance(layout, list) else ():
        match item:
            case ["thinking", int(length), str(signature)]:
                thought = message.reasoning[seen["thinking"] :][:length]
                seen["thinking"] += length
                blocks.append({"type": "thinking", "thinking": thought, "signature": signature})
            case ["redacted", str(data)]:
                blocks.append({"type": "redacted_thinking", "data": data})
            case ["text", int(length)]:
                blocks += _text(message.content[seen["text"] :][:length])
                seen["text"] += length
            case ["call"]:
                blocks += map(_tool_use, message.tool_calls[seen["call"] :][:1])
                seen["call"] += 1
    whole = {
        "text": len(message.content),
        "thinking": len(message.reasoning),
        "call": len(message.tool_calls),
    }
    return blocks if seen == whole else None


@lru_cache(maxsize=256)
def encode_tools(tools: tuple[ToolSpec, ...]) -> bytes:
    """The `tools` field, a cache mark on its last entry; encoded once for equal tools."""
    entries = [
        {
            "name": tool.name,
            "description": tool.description,
            "input_schema": orjson.Fragment(tool.parameters),
        }
        for tool in tools
    ]
    return _marked(orjson.dumps(entries)[:-1]) + b"]"


def _marked(blocks: bytes) -> bytes:
    """The same blocks with a cache mark in the last one."""
    return blocks[:-1] + _MARK


def encode_request(request: Request, model: str) -> bytes:
    """The whole body; the history's entries are taken as they were encoded before."""
    traits = claude(model)
    thinks = will_think(request, traits)
    fields = {
        "model": model,
        "stream": True,
        "max_tokens": request.max_tokens,
        **_thinking(request, traits, thinks=thinks),
        **_output_config(request, traits, thinks=thinks),
    }
    if request.stop:
        fields["stop_sequences"] = request.stop
    if not thinks:
        fields |= {name: value for name, value in request.sampling if name in _SAMPLING}
    parts = [orjson.dumps(fields)[:-1], *_tool_fields(request, traits, thinks=thinks)]
    system, turns = _conversation(request.history, thinks=thinks)
    if system:
        parts += [b',"system":[', _marked(b",".join(system)), b"]"]
    parts += [b',"messages":[', b",".join(turns), b"]}"]
    return b"".join(parts)


def _tool_fields(request: Request, traits: Claude, *, thinks: bool) -> Iterable[bytes]:
    """The tools and how they may be called.

    A conversation with calls in it is refused without tools, so those that it used are declared
    where the request brings none.
    """
    tools, choice = request.tools, b""
    if not tools:
        tools, choice = _tools_used(request.history), b"none"
    elif request.must_call and traits.forced and not thinks:
        choice = b"any"
    if tools:
        yield b',"tools":' + encode_tools(tools)
        if choice:
            yield b',"tool_choice":{"type":"' + choice + b'"}'


def _tools_used(history: History) -> tuple[ToolSpec, ...]:
    names = dict.fromkeys(call.name for message in history for call in message.tool_calls)
    return tuple(ToolSpec(name, "Not available any more.", '{"type":"object"}') for name in names)


def will_think(request: Request, traits: Claude) -> bool:
    """Whether the model thinks in this turn: as asked, or as it does by default.

    A turn that has to call a tool goes before the default, since a thinking model cannot be held
    to it.
    """
    wanted = request.thinking
    if wanted is None:
        wanted = traits.thinks and not (request.must_call and request.tools and traits.forced)
    if not traits.adaptive and request.max_tokens < 2 * MIN_BUDGET:
        return False
    return wanted or not traits.off


def _thinking(request: Request, traits: Claude, *, thinks: bool) -> Block:
    if thinks and traits.adaptive:
        # without `summarized` newer models stream nothing while they think
        value: Block = {"type": "adaptive", "display": "summarized"}
        if traits.bound:
            value["block_binding"] = {"prefix_mismatch_behavior": "drop_block"}
    elif thinks:
        budget = int(request.max_tokens * _SHARES.get(request.effort, 0.5))
        value = {"type": "enabled", "budget_tokens": max(MIN_BUDGET, budget)}
    elif traits.thinks or request.thinking is False:
        value = {"type": traits.off}
    else:
        return {}
    return {"thinking": value}


def _output_config(request: Request, traits: Claude, *, thinks: bool) -> Block:
    config: Block = {}
    effort = request.effort
    if request.thinking is False and thinks:
        effort = effort or "low"
    if effort == "max" and not (thinks and traits.adaptive):
        effort = "high"
    if effort and traits.effort:
        config["effort"] = effort
    if request.schema is not None:
        config["format"] = {"type": "json_schema", "schema": closed_schema(request.schema)}
    return {"output_config": config} if config else {}


def closed_schema(schema: Any, *, names: bool = False) -> Any:
    """The schema as the API takes it: objects closed, keywords that it refuses left out."""
    if isinstance(schema, list):
        return [closed_schema(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        key: closed_schema(value, names=key in ("properties", "$defs"))
        if key not in ("enum", "const", "required")
        else value
        for key, value in schema.items()
        if names or key not in _UNSUPPORTED
    }
    if not names and schema.get("type") == "object":
        closed["additionalProperties"] = False
    return closed


@dataclass(slots=True)
class _Turn:
    role: bytes
    results: list[bytes] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)

    def encoded(self, *, marked: bool) -> bytes:
        # tool results have to open the turn that answers the calls
        blocks = b",".join(self.results + self.others)
        content = _marked(blocks) if marked else blocks
        return b'{"role":"' + self.role + b'","content":[' + content + b"]}"


def _conversation(history: History, *, thinks: bool) -> tuple[list[bytes], list[bytes]]:
    """The system's blocks, and the turns, in each of which neighbours of one role are merged.

    Only what opens the conversation is the system's: a later note, put there, would change the
    prefix that the cache and the thinking blocks hang on.
    """
    if thinks:
        entries = history.encoded("anthropic", encode_message)
    else:
        entries = history.encoded("anthropic-unthinking", encode_unthinking)
    system: list[bytes] = []
    turns: list[_Turn] = []
    for message, entry in zip(history, entries, strict=True):
        if not entry:
            continue
        if message.role == "system" and not turns:
            system.append(entry)
            continue
        role = b"assistant" if message.role == "assistant" else b"user"
        if not turns or turns[-1].role != role:
            turns.append(_Turn(role))
        turn = turns[-1]
        (turn.results if message.role == "tool" else turn.others).append(entry)
    return system, list(_encoded_turns(turns))


def _encoded_turns(turns: list[_Turn]) -> Iterable[bytes]:
    newest = [position for position, turn in enumerate(turns) if turn.role == b"user"][-2:]
    for position, turn in enumerate(turns):
        yield turn.encoded(marked=position in newest)

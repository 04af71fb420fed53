"""Content blocks of Anthropic's format, from the client: texts, pictures, thoughts, calls, results.

Blocks of tools that Anthropic's own servers carry out are left out of what the assistant said;
nothing here could answer for them.
"""

import binascii

import orjson

from openswarm.core.messages import ImagePart, Part, TextPart
from openswarm.server.conversation import Conversation
from openswarm.server.failures import ApiError
from openswarm.server.fields import MAX_PARTS, Fields

_IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_USER_BLOCKS = "text, image, document, search_result and tool_result"


def add_entry(entry: Fields, conversation: Conversation) -> None:
    """Adds one of `messages`. Raises `ApiError` that names the field."""
    role = entry.word("role", ("user", "assistant", "system"))
    if role == "assistant":
        _add_assistant(entry, conversation)
        return
    parts: list[Part] = []
    for block in content(entry, "content"):
        if block.text("type") == "tool_result":
            _add_result(block, conversation)
        else:
            parts += _parts(block)
    if parts or not entry.has("content") or isinstance(entry.value["content"], str):
        conversation.say("system" if role == "system" else "user", parts)


def add_system(fields: Fields, conversation: Conversation) -> None:
    """Adds what stands in the field `system`."""
    parts = [part for block in content(fields, "system") for part in _texts(block)]
    if parts:
        conversation.say("system", parts)


def content(fields: Fields, name: str) -> list[Fields]:
    """The blocks of a field that holds a text or a list of blocks."""
    value = fields.value.get(name)
    if isinstance(value, str):
        return [Fields({"type": "text", "text": value}, fields.at(name))] if value else []
    return fields.objects(name, MAX_PARTS)


def _add_assistant(entry: Fields, conversation: Conversation) -> None:
    conversation.say("assistant", ())
    for block in content(entry, "content"):
        match block.text("type"):
            case "thinking":
                conversation.think(block.text("thinking", ""), block.text("signature", ""))
            case "redacted_thinking":
                conversation.think("", block.text("data", ""))
            case "tool_use":
                _add_call(block, conversation)
            case "text":
                conversation.say("assistant", [TextPart(text=block.text("text"))])
            case kind if kind == "server_tool_use" or kind.endswith("_tool_result"):
                pass
            case _:
                raise _unknown(block, "text, thinking, redacted_thinking and tool_use")


def _add_call(block: Fields, conversation: Conversation) -> None:
    arguments = orjson.dumps(block.whole("input") or {}).decode()
    conversation.call(block.text("id"), block.text("name"), arguments)


def _add_result(block: Fields, conversation: Conversation) -> None:
    parts = [part for inner in content(block, "content") for part in _parts(inner)]
    conversation.result(
        block.text("tool_use_id"), parts, block.at("tool_use_id"),
        ok=not block.flag("is_error", False),
    )  # fmt: skip


def _parts(block: Fields) -> list[Part]:
    match block.text("type"):
        case "text":
            return [TextPart(text=block.text("text"))]
        case "image":
            return [_image(block)]
        case "document":
            return [_document(block)]
        case "search_result":
            return [_found(block)]
        case "tool_reference":
            return [TextPart(text=block.text("tool_name"))]
        case _:
            raise _unknown(block, _USER_BLOCKS)


def _texts(block: Fields) -> list[Part]:
    if block.text("type") != "text":
        raise _unknown(block, "text")
    return [TextPart(text=block.text("text"))]


def _unknown(block: Fields, known: str) -> ApiError:
    kind = block.text("type")[:100]
    return block.wrong("type", f"is {kind!r}, which cannot stand here; there are {known}")


def _source(block: Fields) -> Fields:
    source = block.inner("source")
    if source is None:
        raise block.wrong("source", "is missing")
    return source


def _image(block: Fields) -> ImagePart:
    source = _source(block)
    if source.word("type", ("base64", "url")) == "url":
        url = source.text("url")
        if not url.startswith(("http://", "https://")):
            raise source.wrong("url", "has to be an address that begins with https://")
        return ImagePart(url=url)
    kind = source.word("media_type", _IMAGE_TYPES)
    data = source.text("data")
    try:
        is_whole = bool(binascii.a2b_base64(data, strict_mode=True))
    except ValueError:
        is_whole = False
    if not is_whole:
        raise source.wrong("data", "is not a picture in base64")
    return ImagePart(url=f"data:{kind};base64,{data}")


def _document(block: Fields) -> TextPart:
    source = _source(block)
    kind = source.text("type")
    if kind == "text":
        text = source.text("data")
    elif kind == "content":
        inner = [part for entry in content(source, "content") for part in _texts(entry)]
        text = "\n".join(part.text for part in inner if isinstance(part, TextPart))
    else:
        raise source.wrong(
            "type", f"is {kind[:100]!r}; send a document as text (PDF is read in runs: /v1/files)"
        )
    lines = [block.text("title", ""), block.text("context", ""), text]
    return TextPart(text="\n".join(line for line in lines if line))


def _found(block: Fields) -> TextPart:
    inner = [part for entry in content(block, "content") for part in _texts(entry)]
    texts = [part.text for part in inner if isinstance(part, TextPart)]
    return TextPart(text="\n".join([block.text("title", ""), block.text("source", ""), *texts]))

"""Input items of the Responses format, from the client: messages, thoughts, calls, results.

Calls of tools that a provider carries out, and their results, are left out: such tools are left
out of what the model is offered, too.
"""

import binascii

from openswarm.core.messages import ImagePart, Part, Role, TextPart
from openswarm.server.conversation import Conversation
from openswarm.server.fields import MAX_PARTS, Fields

_ROLES: dict[str, Role] = {
    "user": "user", "assistant": "assistant", "system": "system", "developer": "system",
}  # fmt: skip
_TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
_STORED = "is for stored responses; this server stores none, so send the whole input"


def add_item(item: Fields, conversation: Conversation) -> None:
    """Adds one item of `input`. Raises `ApiError` that names the field."""
    match item.text("type", "message"):
        case "message":
            role = _ROLES[item.word("role", tuple(_ROLES))]
            conversation.say(role, _parts(item, "content"))
        case "function_call":
            arguments = item.text("arguments", "")
            conversation.call(item.text("call_id"), item.text("name"), arguments or "{}")
        case "function_call_output":
            parts = _parts(item, "output")
            conversation.result(item.text("call_id"), parts, item.at("call_id"))
        case "reasoning":
            conversation.think(_thoughts(item), item.text("encrypted_content", ""))
        case "item_reference":
            raise item.wrong("type", _STORED)
        case kind if kind.endswith(("_call", "_call_output")):
            pass
        case kind:
            known = "message, function_call, function_call_output and reasoning"
            raise item.wrong("type", f"is {kind[:100]!r}; there are {known}")


def _thoughts(item: Fields) -> str:
    """What was thought; the summary where the thoughts themselves are not there."""
    entries = item.objects("content", MAX_PARTS) or item.objects("summary", MAX_PARTS)
    return "\n\n".join(entry.text("text") for entry in entries)


def _parts(item: Fields, name: str) -> list[Part]:
    value = item.value.get(name)
    if isinstance(value, str):
        return [TextPart(text=value)]
    if value is None:
        raise item.wrong(name, "is missing")
    return [_part(entry) for entry in item.objects(name, MAX_PARTS)]


def _part(entry: Fields) -> Part:
    match entry.text("type"):
        case kind if kind in _TEXTS:
            return TextPart(text=entry.text("text"))
        case "refusal":
            return TextPart(text=entry.text("refusal"))
        case "input_image":
            return ImagePart(url=_address(entry))
        case kind:
            known = "input_text, output_text, refusal and input_image"
            raise entry.wrong("type", f"is {kind[:100]!r}; there are {known}")


def _address(entry: Fields) -> str:
    url = entry.text("image_url")
    if url.startswith(("http://", "https://")):
        return url
    head, comma, data = url.partition(";base64,")
    try:
        is_picture = bool(comma and binascii.a2b_base64(data, strict_mode=True))
    except ValueError:
        is_picture = False
    if not is_picture or not head.startswith("data:image/"):
        raise entry.wrong("image_url", "has to be an address, or a data: URL of a picture")
    return url

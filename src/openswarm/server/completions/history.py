"""The `messages` of a request as messages of ours.

References to files (`ms://…`) and calls of `$web_search` are left as they stand: `media` and
`web_search` deal with them, as both need more than the request.
"""

import re

from openswarm.core.messages import ImagePart, Message, Part, Role, TextPart, VideoPart
from openswarm.server.completions.tools import function_of
from openswarm.server.conversation import Conversation
from openswarm.server.fields import MAX_MESSAGES, MAX_PARTS, Fields

MAX_CALLS = 1_024
_ROLES: dict[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
    "tool": "tool",
}  # fmt: skip
_WEB = re.compile(r"https?://\S", re.IGNORECASE)


def entries_of(body: Fields) -> list[Fields]:
    """The entries of `messages`, at least one. Raises `ApiError` for anything else."""
    entries = body.objects("messages", MAX_MESSAGES)
    if not entries:
        raise body.wrong("messages", "has to be a list of at least one message")
    return entries


def prefix_of(entries: list[Fields]) -> str | None:
    """What the answer has to begin with, where the last message is marked as partial."""
    last = entries[-1]
    if not last.flag("partial", default=False):
        return None
    if last.value.get("role") != "assistant":
        raise last.wrong("partial", "goes with a message of the assistant alone")
    return "".join(part.text for part in _said(last))


def read_messages(entries: list[Fields]) -> tuple[Message, ...]:
    """The conversation. Raises `ApiError` that names what is wrong."""
    conversation = Conversation()
    for entry in entries:
        role = _ROLES[entry.word("role", tuple(_ROLES))]
        if role == "assistant":
            _take_reply(conversation, entry)
        elif role == "tool":
            call_id, where = entry.text("tool_call_id"), entry.at("tool_call_id")
            conversation.result(call_id, _parts(entry), where)
        else:
            conversation.say(role, _parts(entry))
    return conversation.messages()


def _take_reply(conversation: Conversation, entry: Fields) -> None:
    thought = entry.text("reasoning_content", "") or entry.text("reasoning", "")
    if thought:
        conversation.think(thought, "")
    conversation.say("assistant", _said(entry))
    for call in entry.objects("tool_calls", MAX_CALLS):
        function = function_of(call)
        conversation.call(call.text("id"), function.text("name"), function.text("arguments"))


def _said(entry: Fields) -> list[TextPart]:
    """The text of an assistant, who may have said nothing."""
    if not isinstance(entry.value.get("content"), list):
        return [TextPart(text=entry.text("content", ""))]
    parts = entry.objects("content", MAX_PARTS)
    kinds = [part.word("type", ("text", "refusal")) for part in parts]
    return [TextPart(text=part.text(kind)) for part, kind in zip(parts, kinds, strict=True)]


def _parts(entry: Fields) -> list[Part]:
    content = entry.value.get("content")
    if isinstance(content, str):
        return [TextPart(text=content)]
    if not isinstance(content, list):
        raise entry.wrong("content", "has to be a text or a list of parts")
    return [_part(part) for part in entry.objects("content", MAX_PARTS)]


def _part(part: Fields) -> Part:
    kind = part.word("type", ("text", "image_url", "video_url"))
    if kind == "text":
        return TextPart(text=part.text("text"))
    if kind == "image_url":
        return ImagePart(url=_media_url(part, kind, "image"))
    return VideoPart(url=_media_url(part, kind, "video"))


def _media_url(part: Fields, name: str, kind: str) -> str:
    """An address, in an object or by itself."""
    inner = None if isinstance(part.value.get(name), str) else part.inner(name)
    where, field = (part, name) if inner is None else (inner, "url")
    url = where.text(field)
    head, comma, _ = url[:200].partition(",")
    is_inline = comma and head.startswith(f"data:{kind}/") and head.endswith(";base64")
    if not (is_inline or url.startswith("ms://") or _WEB.match(url)):
        raise where.wrong(field, f"has to begin with https://, data:{kind}/…;base64, or ms://")
    return url

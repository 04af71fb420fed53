"""A rendered chat read back into messages: the inverse of `template`, as far as text can tell.

For checking what a model is trained on. A turn ends with the marker that another turn, or nothing,
follows; text that holds both is read wrongly, which is why models are given pieces. Pictures come
back without their address, reasoning that the template left out is gone, and the tools that were
declared are passed over.
"""

import re
from typing import Final, cast

from openswarm.core.messages import ImagePart, Message, Part, Role, TextPart, VideoPart
from openswarm.k25.errors import ModelFileError
from openswarm.k25.parsing import ReplyParser
from openswarm.k25.template import AFTER_MEDIA, RESULT
from openswarm.k25.tokens import (
    END_THINK,
    IM_ASSISTANT,
    IM_END,
    IM_MIDDLE,
    IM_SYSTEM,
    IM_USER,
    MEDIA_BEGIN,
    MEDIA_CONTENT,
    MEDIA_END,
    MEDIA_PAD,
    THINK,
)

_ESCAPED: Final = {
    "user": re.escape(IM_USER),
    "assistant": re.escape(IM_ASSISTANT),
    "system": re.escape(IM_SYSTEM),
    "middle": re.escape(IM_MIDDLE),
    "end": re.escape(IM_END),
    "begin": re.escape(MEDIA_BEGIN),
    "content": re.escape(MEDIA_CONTENT),
    "pad": re.escape(MEDIA_PAD),
    "close": re.escape(MEDIA_END),
    "after": AFTER_MEDIA,
}
_TURN: Final = re.compile(
    "(?:{user}(user)|{assistant}(assistant)|{system}(system|tool|tool_declare)){middle}"
    r"(.*?){end}(?=\Z|{user}|{assistant}|{system})".format(**_ESCAPED),
    re.DOTALL,
)
_OPENING: Final = re.compile(
    "{assistant}assistant{middle}%s(?:%s)?".format(**_ESCAPED) % (THINK, END_THINK)
)
_MEDIUM: Final = re.compile(
    r"(?P<image>{begin}image{content}(?:{pad})+{close}{after})"
    r"|(?:\d\d+:\d\d:\d\d\.\d\d\d{begin}video{content}(?:{pad})+{close})+{after}".format(**_ESCAPED)
)
_RESULT: Final = re.compile(rf"{RESULT}(.*?)\n(.*)", re.DOTALL)


def parse_conversation(text: str) -> list[Message]:
    """The messages of a rendered chat; the beginning of an answer at its end is passed over.

    Raises `ModelFileError` for text that `template` does not write.
    """
    messages: list[Message] = []
    position = 0
    while turn := _TURN.match(text, position):
        position = turn.end()
        role = turn[1] or turn[2] or turn[3]
        if role != "tool_declare":
            messages.append(_message(cast("Role", role), turn[4]))
    if text[position:] and not _OPENING.fullmatch(text, position):
        raise ModelFileError(f"no turn of a chat begins at {text[position : position + 40]!r}")
    return messages


def _message(role: Role, body: str) -> Message:
    if role == "assistant":
        parser = ReplyParser(thinking=False)
        parser.feed(body)
        reply = parser.finish()
        return Message(
            role=role, content=reply.text, reasoning=reply.reasoning, tool_calls=reply.calls
        )
    if role != "tool":
        return Message(role=role, content=_content(body))
    result = _RESULT.fullmatch(body)
    if result is None:
        raise ModelFileError(f"the result of a tool begins with {body[:40]!r}")
    return Message(role=role, content=_content(result[2]), tool_call_id=result[1])


def _content(body: str) -> str | tuple[Part, ...]:
    """A body with pictures as its parts, one without as the text that it is."""
    parts: list[Part] = []
    position = 0
    for medium in _MEDIUM.finditer(body):
        if medium.start() > position:
            parts.append(TextPart(text=body[position : medium.start()]))
        parts.append(ImagePart(url="") if medium["image"] else VideoPart(url=""))
        position = medium.end()
    if parts and body[position:]:
        parts.append(TextPart(text=body[position:]))
    return tuple(parts) or body

"""A conversation as K2.5 reads it: the published chat template, as pieces.

Owns the order and the markers of turns. Knows no tokenizer and no pictures: a picture is one
`<|media_pad|>` here, and `pieces.expand` makes room for its vectors. What users, tools and models
wrote is never looked into, so nothing in it can become a marker.

A turn is a role's marker, its name, `<|im_middle|>`, a body and `<|im_end|>`, with nothing between
turns. No system turn is made up where there is none. Reasoning is shown from the last answer on
(the tool loop that is going on); earlier turns, and all turns in instant mode, have empty think.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from openswarm.core.messages import ImagePart, Message, Part, TextPart, VideoPart
from openswarm.k25.callids import with_own_ids
from openswarm.k25.declaration import ToolDeclaration, declare
from openswarm.k25.pieces import Piece
from openswarm.k25.tokens import (
    CALL_ARGUMENTS,
    CALL_BEGIN,
    CALL_END,
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
    SECTION_BEGIN,
    SECTION_END,
    THINK,
)

RESULT = "## Return of "
"""How the body of a tool's result begins; the id and a line break follow."""
AFTER_MEDIA = "\n"
"""The published template ends the line after a picture and after the last chunk of a video."""
Chunks = Callable[[VideoPart], Sequence[float]]
"""The seconds at which a video's chunks of up to four frames begin."""

_ROLES = {"user": IM_USER, "assistant": IM_ASSISTANT, "system": IM_SYSTEM, "tool": IM_SYSTEM}


def one_chunk(video: VideoPart) -> Sequence[float]:
    """A video as one chunk, from its beginning."""
    return (0.0,)


def render(
    messages: Sequence[Message],
    tools: Sequence[ToolDeclaration] = (),
    *,
    thinking: bool,
    generation: bool = True,
    keep_thinking: bool = False,
    chunks: Chunks = one_chunk,
) -> list[Piece]:
    """The pieces of a conversation, tools first.

    `generation` adds the beginning of the answer: `<think>` when thinking, `<think></think>` when
    not. Without it, a last turn of the assistant is taken as the answer to learn from, and shows
    its reasoning. `keep_thinking` shows the reasoning of every turn. Raises `ModelFileError` for
    a tool that cannot be declared.
    """
    own = with_own_ids(messages)
    kept = 0 if keep_thinking else _answered(own if generation else own[:-1])
    pieces = list(_turn("system", "tool_declare", [Piece(declare(tools))])) if tools else []
    for index, message in enumerate(own):
        if message.role == "assistant":
            pieces += _assistant(message, thinking=thinking, shown=index >= kept)
        else:
            pieces += _turn(message.role, message.role, _body(message, chunks))
    if generation:
        pieces += _opening(thinking)
    return pieces


def timestamp(seconds: float) -> str:
    """The time that stands before a chunk of a video: hours, minutes, seconds, milliseconds."""
    whole = int(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}.{int((seconds - whole) * 1000):03d}"


def _answered(messages: Sequence[Message]) -> int:
    """How many messages end with the last answer, a turn of the assistant that calls no tool."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "assistant" and not messages[index].tool_calls:
            return index + 1
    return 0


def _turn(role: str, name: str, body: Sequence[Piece]) -> Iterator[Piece]:
    yield from (_marker(_ROLES[role]), Piece(name), _marker(IM_MIDDLE))
    yield from (piece for piece in body if piece.text)
    yield _marker(IM_END)


def _body(message: Message, chunks: Chunks) -> list[Piece]:
    """What a turn of the user, the system or a tool says."""
    heading = [Piece(f"{RESULT}{message.tool_call_id}\n")] if message.role == "tool" else []
    return [*heading, *_content(message, chunks, trained=False)]


def _content(message: Message, chunks: Chunks, *, trained: bool) -> list[Piece]:
    if isinstance(message.content, str):
        return [Piece(message.content, trained=trained)]
    return list(chain.from_iterable(_part(part, chunks, trained) for part in message.content))


def _part(part: Part, chunks: Chunks, trained: bool) -> list[Piece]:
    match part:
        case TextPart():
            return [Piece(part.text, trained=trained)]
        case ImagePart():
            return [*_medium("image"), Piece(AFTER_MEDIA)]
        case VideoPart():
            times = [[Piece(timestamp(second)), *_medium("video")] for second in chunks(part)]
            return [*chain.from_iterable(times), Piece(AFTER_MEDIA)]


def _medium(kind: str) -> list[Piece]:
    begin, content, pad, end = map(_marker, (MEDIA_BEGIN, MEDIA_CONTENT, MEDIA_PAD, MEDIA_END))
    return [begin, Piece(kind), content, pad, end]


def _opening(thinking: bool) -> list[Piece]:
    """The beginning of an answer, up to where the model goes on."""
    role = [_marker(IM_ASSISTANT), Piece("assistant"), _marker(IM_MIDDLE), _marker(THINK)]
    return role if thinking else [*role, _marker(END_THINK)]


def _assistant(message: Message, *, thinking: bool, shown: bool) -> Iterator[Piece]:
    """A turn of the assistant. Of an empty think the model has written nothing, unless it chose
    to: in thinking mode, where it may end its thought at once."""
    written = thinking and shown
    yield from _opening(thinking=True)
    if written and message.reasoning:
        yield Piece(message.reasoning, trained=True)
    yield Piece(END_THINK, special=True, trained=written)
    yield from (piece for piece in _content(message, one_chunk, trained=True) if piece.text)
    yield from _calls(message)
    yield Piece(IM_END, special=True, trained=True)


def _calls(message: Message) -> Iterator[Piece]:
    if not message.tool_calls:
        return
    yield Piece(SECTION_BEGIN, special=True, trained=True)
    for call in message.tool_calls:
        yield Piece(CALL_BEGIN, special=True, trained=True)
        yield Piece(call.id, trained=True)
        yield Piece(CALL_ARGUMENTS, special=True, trained=True)
        if call.arguments:
            yield Piece(call.arguments, trained=True)
        yield Piece(CALL_END, special=True, trained=True)
    yield Piece(SECTION_END, special=True, trained=True)


def _marker(name: str) -> Piece:
    return Piece(name, special=True)

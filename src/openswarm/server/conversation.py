"""A conversation put together from the pieces in which clients send it.

Thoughts, texts and calls that follow each other are one reply of the assistant, however many
entries the wire splits them into. Pictures that tools returned come after the results, as most
endpoints take none inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from openswarm.core.messages import ImagePart, Message, Part, Role, TextPart, ToolCall, VideoPart
from openswarm.server.failures import bad_request
from openswarm.server.opaque import take_back_id, take_back_proof

PICTURES = "The pictures that the tools returned, in the order of the calls:"


@dataclass(slots=True)
class _Draft:
    """A reply of the assistant as it grows."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    signature: str = ""

    def message(self) -> Message:
        return Message(
            role="assistant",
            content="".join(self.texts),
            reasoning="".join(self.thoughts),
            tool_calls=tuple(self.calls),
            signature=self.signature,
        )


class Conversation:
    """Takes pieces in their order; `messages` is what they amount to."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._draft: _Draft | None = None
        self._called: set[str] = set()
        self._pictures: list[ImagePart | VideoPart] = []

    def say(self, role: Role, parts: Sequence[Part]) -> None:
        """A message of the user or the system, or a text of the assistant."""
        if role == "assistant":
            self._reply().texts += [part.text for part in parts if isinstance(part, TextPart)]
            return
        self._end_turn()
        self._messages.append(Message(role=role, content=joined(parts)))

    def think(self, text: str, proof: str) -> None:
        """Thoughts of the assistant, with the proof that the client was handed."""
        draft = self._reply()
        draft.thoughts.append(text)
        draft.signature = take_back_proof(proof) or draft.signature

    def call(self, identity: str, name: str, arguments: str) -> None:
        """A call that the assistant made."""
        call = ToolCall(id=take_back_id(identity), name=name, arguments=arguments)
        self._called.add(call.id)
        self._reply().calls.append(call)

    def result(self, identity: str, parts: Sequence[Part], param: str, *, ok: bool = True) -> None:
        """What a tool returned. Raises `ApiError` for `param` where nothing called it."""
        known = take_back_id(identity)
        if known not in self._called:
            raise bad_request(f"{param} is {identity[:100]!r}, which no call before it has", param)
        self._end_reply()
        text = "\n".join(part.text for part in parts if isinstance(part, TextPart))
        pictures = [part for part in parts if not isinstance(part, TextPart)]
        text = text or ("A picture, shown below." if pictures else "")
        self._messages.append(
            Message(role="tool", content=text if ok else f"Error: {text}", tool_call_id=known)
        )
        self._pictures += pictures

    def messages(self) -> tuple[Message, ...]:
        """The whole conversation; its last message is not the system's."""
        self._end_turn()
        return tuple(_answerable(self._messages))

    def _reply(self) -> _Draft:
        if self._draft is None:
            self._end_turn()
            self._draft = _Draft()
        return self._draft

    def _end_reply(self) -> None:
        if self._draft is not None:
            self._messages.append(self._draft.message())
            self._draft = None

    def _end_turn(self) -> None:
        self._end_reply()
        if self._pictures:
            parts = (TextPart(text=PICTURES), *self._pictures)
            self._messages.append(Message(role="user", content=parts))
            self._pictures = []


def joined(parts: Sequence[Part]) -> str | tuple[Part, ...]:
    """The content of a message: one text where there is nothing else."""
    if all(isinstance(part, TextPart) for part in parts):
        return "\n".join(part.text for part in parts if isinstance(part, TextPart))
    return tuple(parts)


def _answerable(messages: list[Message]) -> list[Message]:
    """The same with notes of the system before what a user said, not between that and its answer.

    This depends on their neighbours alone, so that a conversation that goes on keeps its beginning.
    Notes that end it after a tool's result are said by the user.
    """
    ordered: list[Message] = []
    notes: list[Message] = []
    for message in messages:
        if message.role == "system":
            notes.append(message)
            continue
        if message.role == "assistant" and ordered and ordered[-1].role == "user":
            ordered[-1:] = [*notes, ordered[-1]]
        else:
            ordered += notes
        notes = []
        ordered.append(message)
    if ordered and ordered[-1].role == "user":
        return [*ordered[:-1], *notes, ordered[-1]]
    return ordered + [note.model_copy(update={"role": "user"}) for note in notes]

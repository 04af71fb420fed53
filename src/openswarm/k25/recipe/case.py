"""One example as a conversation: what is said, what is shown, and what the last turn has to be."""

from dataclasses import dataclass, replace

from PIL import Image

from openswarm.core.messages import ImagePart, Message, TextPart, ToolCall, VideoPart
from openswarm.k25.declaration import ToolDeclaration

FRAME_SECONDS = 0.5
"""Between the frames of a clip: videos are read at two frames a second."""


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation that ends with the reply to be learned."""

    skill: str
    messages: tuple[Message, ...]
    tools: tuple[ToolDeclaration, ...] = ()
    thinking: bool = False
    clips: tuple[tuple[Image.Image, ...], ...] = ()
    """What the parts of the messages show, in order: pictures of one frame, videos of several."""

    @property
    def prompt(self) -> tuple[Message, ...]:
        """The conversation without the reply."""
        return self.messages[:-1]

    @property
    def reply(self) -> Message:
        """The reply that is right."""
        return self.messages[-1]

    def until(self, turn: int) -> "Case":
        """The conversation up to one of the assistant's turns, counted from 0, as its reply.

        Beyond the last turn the count begins anew.
        """
        ends = [place for place, entry in enumerate(self.messages) if entry.role == "assistant"]
        return replace(self, messages=self.messages[: ends[turn % len(ends)] + 1])

    def with_system(self, text: str) -> "Case":
        """The same conversation under a system prompt; '' leaves it as it is."""
        if not text:
            return self
        return replace(self, messages=(Message(role="system", content=text), *self.messages))


def user(text: str) -> Message:
    """What the user says."""
    return Message(role="user", content=text)


def shown(text: str, *, video: bool = False) -> Message:
    """What the user says below a picture or a video; the clip itself is in the case."""
    part = VideoPart(url="clip:") if video else ImagePart(url="clip:")
    return Message(role="user", content=(part, TextPart(text=text)))


def reply(text: str, reasoning: str = "") -> Message:
    """What the assistant answers."""
    return Message(role="assistant", content=text, reasoning=reasoning)


def calls(*wanted: tuple[str, str], first: int = 0) -> Message:
    """An assistant's turn of tool calls: names and arguments as JSON text.

    `first` is the number of calls before it in the conversation.
    """
    return Message(
        role="assistant",
        tool_calls=tuple(
            ToolCall(id=f"functions.{name}:{first + place}", name=name, arguments=arguments)
            for place, (name, arguments) in enumerate(wanted)
        ),
    )


def result(call: ToolCall, text: str) -> Message:
    """What a tool gave back."""
    return Message(role="tool", content=text, tool_call_id=call.id)

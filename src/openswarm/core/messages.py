"""Messages, tool calls and usage: what is sent to a model and what comes back.

Owns the neutral form; knows no wire format. Encoding is each client's business (`llm/`).
"""

import base64
from typing import Annotated, Literal

from pydantic import Field

from openswarm.core.frozen import Frozen


class TextPart(Frozen):
    """A piece of text inside a message of several parts."""

    type: Literal["text"] = "text"
    text: str


class ImagePart(Frozen):
    """An image; `url` is an http(s) address or a `data:` URL."""

    type: Literal["image"] = "image"
    url: str

    @classmethod
    def of(cls, media_type: str, data: bytes) -> "ImagePart":
        """The image of these bytes, inside its URL."""
        return cls(url=f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}")


class VideoPart(Frozen):
    """A video; `url` is an http(s) address, a `data:` URL or a file reference of the provider."""

    type: Literal["video"] = "video"
    url: str


Part = Annotated[TextPart | ImagePart | VideoPart, Field(discriminator="type")]
Role = Literal["system", "user", "assistant", "tool"]


class ToolCall(Frozen):
    """One call that a model asks for; `arguments` is the JSON text exactly as it was written."""

    id: str
    name: str
    arguments: str


class Message(Frozen):
    """One entry of a conversation."""

    role: Role
    content: str | tuple[Part, ...] = ""
    reasoning: str = ""
    """What the model thought before it answered; sent back to it inside a tool loop."""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    """For role `tool`: the id of the call that this message answers."""
    signature: str = ""
    """The provider's proof of the reasoning (Anthropic), sent back unchanged."""

    @property
    def text(self) -> str:
        """The text of the message, its parts joined."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))


class Usage(Frozen):
    """Tokens of one call or of a sum of calls.

    `input_tokens` include `cached_tokens` (read from the provider's cache) and `written_tokens`
    (written to it, where the provider bills that).
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    written_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            written_tokens=self.written_tokens + other.written_tokens,
        )

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens - other.input_tokens,
            output_tokens=self.output_tokens - other.output_tokens,
            cached_tokens=self.cached_tokens - other.cached_tokens,
            written_tokens=self.written_tokens - other.written_tokens,
        )

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

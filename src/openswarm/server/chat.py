"""What is asked for and answered on every wire, in one neutral form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from openswarm.core.events import AnyEvent
from openswarm.core.messages import Message, Usage
from openswarm.core.task import Effort
from openswarm.llm.model import Delta, ToolSpec
from openswarm.server.names import Served

Choice = Literal["auto", "none", "required"]
Finish = Literal["stop", "tool_calls", "length", "content_filter"]
Emit = Callable[[Delta | AnyEvent], None]
"""Is given pieces of the answer as they stream, and the events of the run that makes it."""


EFFORTS: Mapping[str, Effort] = {
    "none": "", "minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "max",
    "max": "max",
}  # fmt: skip
"""The words of all wires for how much to reason."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request for an answer, whatever wire it came by."""

    served: Served
    messages: tuple[Message, ...]
    """At least one; the last one is not of the role system."""
    tools: tuple[ToolSpec, ...] = ()
    """The client's own tools: it carries out what is called."""
    choice: Choice = "auto"
    parallel_calls: bool = True
    max_tokens: int | None = None
    thinking: bool | None = None
    """None leaves it to the mode."""
    effort: Effort = ""
    schema: dict[str, Any] | None = None
    """A JSON Schema that the answer has to fit; `{"type": "object"}` asks for any object."""
    stop: tuple[str, ...] = ()
    """Texts at which the answer ends; they are no part of it."""
    sampling: tuple[tuple[str, float], ...] = ()
    """`temperature` and the like, for backends that take them."""
    prefix: str = ""
    """The beginning of the answer, which the last message holds and the answer leaves out."""
    search: bool = False
    """The builtin `$web_search` was declared."""
    stream: bool = False
    events: bool = False
    """The client asked for the events of the run beside the text."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """One whole answer. With a run its usage is that of the whole tree."""

    message: Message
    usage: Usage
    finish: Finish = "stop"
    stopped_at: str = ""
    """Which of `stop` ended it."""
    mode: str = ""
    mode_reason: str = ""
    run_id: str = ""
    """The run that made it; '' where it was one call."""
    outcome: str = ""
    cost_usd: float | None = None


def estimate_tokens(chat: ChatRequest) -> int:
    """About how many tokens a request has: a token for four bytes of text, 1,024 an image.

    For what has to be said before the model has counted, and for `count_tokens`.
    """
    size = sum(_size(message) for message in chat.messages)
    size += sum(len(t.name) + len(t.description) + len(t.parameters) for t in chat.tools)
    return size // 4 + 1


IMAGE_BYTES = 4 * 1024


def _size(message: Message) -> int:
    size = 16 + len(message.text.encode()) + len(message.reasoning.encode())
    size += sum(len(call.name) + len(call.arguments.encode()) for call in message.tool_calls)
    if not isinstance(message.content, str):
        size += IMAGE_BYTES * sum(part.type != "text" for part in message.content)
    return size

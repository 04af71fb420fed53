"""The protocol of every model: a request goes in, deltas stream out, one reply comes back.

There is only streaming; a caller that does not want deltas ignores them. A model does not retry,
wait or count money: `llm.paced` does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from openswarm.core.history import History
from openswarm.core.messages import Message, Usage

UNKNOWN_WINDOW = 262_144
"""The window, in tokens, of a model of which nothing is known."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it. `parameters` is its JSON Schema, as JSON text."""

    name: str
    description: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens."""

    input: float
    output: float
    cached: float
    """Input that was read from the provider's cache."""
    written: float | None = None
    """Input that was written to the provider's cache; None is the price of other input."""
    above: "tuple[int, Price] | None" = None
    """The price of a whole call whose input has more than so many tokens."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a model."""

    context_tokens: int = UNKNOWN_WINDOW
    price: Price | None = None
    compact: bool = False
    """A small model: short prompts, short pages, one-reply assignments."""
    images: bool = False
    """Whether it reads images."""
    parallel: int | None = None
    """How many replies it makes at once, where that is known; further calls only wait."""
    documents: int = 40
    """How many of a corpus's documents its prompt names; it finds the others by searching."""


@dataclass(slots=True)
class Request:
    """One turn: the conversation, the tools, and how to answer."""

    history: History
    tools: tuple[ToolSpec, ...] = ()
    max_tokens: int = 4096
    thinking: bool | None = None
    """Switches reasoning on or off where the model has a switch; None is its default."""
    effort: str = ""
    """How much to reason: low, medium, high, max; '' is the model's default."""
    schema: dict[str, Any] | None = None
    """A JSON Schema that the answer has to fit."""
    agent: str = "root"
    """The agent's name, by which scripted models are keyed."""
    stall_s: float = 60.0
    """A reply that brings nothing for so many seconds has stalled."""
    excess_tokens: int = 0
    """By how much `input_bound` is known to be too high, from what the last reply used."""
    must_call: bool = False
    """The reply has to call a tool; a model that can be constrained is."""
    stop: tuple[str, ...] = ()
    """Texts at which the reply ends, where the endpoint takes them."""
    sampling: tuple[tuple[str, float], ...] = ()
    """`temperature` and the like, where the endpoint takes them; () is the model's default."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole reply. `finish` is stop, tool_calls, length or content_filter."""

    message: Message
    usage: Usage
    finish: str = "stop"
    model: str = ""
    """The name that the endpoint gave to the model."""
    trace: str = ""
    """What a trainer needs of the reply, as JSON, where the model gives it: tokens, decisions."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply as it streams."""

    kind: Literal["text", "reasoning"]
    text: str


OnDelta = Callable[[Delta], None]


def ignore(_: Delta) -> None:
    """For callers that want the reply alone."""


class ChatModel(Protocol):
    """What every model can do."""

    spec: str
    """The specification that it was made from, such as `moonshot/kimi-k2.5`."""
    resource: str
    """What is shared with other models and limited as one: the endpoint."""
    info: ModelInfo

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """One reply, streamed. Raises `ModelError` with the fault; retries nothing."""
        ...

    def input_bound(self, request: Request) -> int:
        """An upper bound of the request's input tokens: no token is shorter than a byte."""
        ...

    async def aclose(self) -> None:
        """Ends connections and processes that belong to the model."""
        ...

"""Keeping a conversation inside the model's window: none, hide tool results, summarise, discard.

The strategies are the report's (section 1.6 of the digest calls them reactive): nothing is done
until the conversation nears the window.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from openswarm.agent.conversation import Conversation
from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Message, Usage
from openswarm.core.settings import Strategy
from openswarm.llm.model import Request
from openswarm.llm.paced import PaidReply

Reply = Callable[[Request], Awaitable[PaidReply]]

FULL = 0.85
"""The part of the window at which room is made."""
BYTES_PER_TOKEN = 3
IMAGE_BYTES = 1_600 * BYTES_PER_TOKEN
"""As what an image counts until the endpoint says how large the conversation is."""
HIDDEN = "[hidden to save room; call the tool again if you need it]"
DISCARDED = "Your earlier work was discarded to save room. Start again from the task above."
SUMMARISE = (
    "Write down, for yourself, everything from this conversation that is needed to finish the"
    " task: what was found (with its sources, word for word where it matters), what failed, what"
    " is still to do. This note will replace the conversation."
)
SUMMARY = "Your notes on the work so far:\n\n{notes}\n\nGo on from here."


@dataclass(slots=True)
class Context:
    """How one agent's conversation is kept within the window."""

    window: int
    """Tokens that the model takes, its reply included."""
    strategy: Strategy = "hide_tool_results"
    _tokens: int = 0
    _counted: int = 0
    """How many messages `_tokens` is the true size of."""

    def used(self, usage: Usage, history: History) -> None:
        """Learns the true size of the conversation from the last reply's usage."""
        self._tokens, self._counted = usage.total_tokens, len(history)

    async def make_room(
        self, request: Request, talk: Conversation, reply: Reply, *, overflowed: bool = False
    ) -> bool:
        """Shortens the conversation where it is due; whether it did.

        After an overflow what the strategy leaves may still be too long, so then all is discarded
        that can be.
        """
        if self.strategy == "none":
            return False
        if not overflowed and self._size(talk.history) + request.max_tokens < FULL * self.window:
            return False
        before = list(talk.history)
        after, paid = await self._shorten(before, request, reply)
        if after == before and overflowed:
            after = discard_all(before)
        if after == before:
            return False
        talk.compacted(self.strategy, after, paid)
        self._tokens = self._counted = 0
        return True

    async def _shorten(
        self, messages: list[Message], request: Request, reply: Reply
    ) -> tuple[list[Message], PaidReply | None]:
        if self.strategy == "hide_tool_results":
            return hide_tool_results(messages), None
        if self.strategy == "summarise":
            shortened = History(hide_tool_results(messages))
            shortened.append(Message(role="user", content=SUMMARISE))
            plain = replace(request, history=shortened, tools=(), must_call=False, excess_tokens=0)
            paid = await reply(plain)
            notes = SUMMARY.format(notes=paid.reply.message.text)
            return [*messages[:2], Message(role="user", content=notes)], paid
        return discard_all(messages), None

    def _size(self, history: History) -> int:
        fresh = (history[i] for i in range(min(self._counted, len(history)), len(history)))
        return self._tokens + sum(_bytes(message) for message in fresh) // BYTES_PER_TOKEN


def hide_tool_results(messages: Sequence[Message]) -> list[Message]:
    """All tool results but those of the latest round are replaced by a mark, their images too;
    thinking stays."""
    rounds = [i for i, m in enumerate(messages) if m.role == "assistant" and m.tool_calls]
    latest = rounds[-1] if rounds else 0
    return [
        m.model_copy(update={"content": HIDDEN})
        if 1 < i < latest and (m.role == "tool" or _num_images(m))
        else m
        for i, m in enumerate(messages)
    ]


def discard_all(messages: Sequence[Message]) -> list[Message]:
    """Only the system prompt and the task stay."""
    if len(messages) <= 3:
        return list(messages)
    return [*messages[:2], Message(role="user", content=DISCARDED)]


def _bytes(message: Message) -> int:
    calls = sum(len(call.arguments) for call in message.tool_calls)
    text = len(message.text.encode()) + len(message.reasoning.encode())
    return text + calls + _num_images(message) * IMAGE_BYTES


def _num_images(message: Message) -> int:
    if isinstance(message.content, str):
        return 0
    return sum(isinstance(part, ImagePart) for part in message.content)

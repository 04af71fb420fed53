"""The loop of one agent: ask the model, run its calls, until it is done or told to stop.

What comes next is read from the conversation alone, so one folded back from a journal goes on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from openswarm.agent.control import Control
from openswarm.agent.conversation import INTERRUPTED, Conversation
from openswarm.agent.turn import Turn
from openswarm.core.errors import BudgetError, ModelError
from openswarm.core.messages import Message, ToolCall
from openswarm.core.result import Outcome
from openswarm.tools.tool import ToolResult
from openswarm.tools.toolset import Toolset


@dataclass(frozen=True, slots=True)
class Ending:
    """How an agent's work ended."""

    outcome: Outcome
    text: str = ""
    why: str = ""
    closing: ToolResult | None = None
    """The result of the call that closed the work, if one did."""


@dataclass(slots=True)
class Agent:
    """One agent with everything that it works with."""

    conversation: Conversation
    turn: Turn
    tools: Toolset
    control: Control
    max_steps: int
    repeats: int = 3
    """So many identical calls in a row break the loop."""
    closing_tools: tuple[str, ...] = ()
    """Tools that hand work back; they stay when all others are taken away."""
    review: Callable[[Message], str] = lambda _: ""
    """Looks at a last message: '' accepts it, else it is what to say to the agent."""
    stop_when: Callable[[], str] = lambda: ""
    """A further reason to stop, or ''."""

    async def run(self) -> Ending:
        """Works to the end. Raises `ModelError` when the model cannot be had."""
        while not self.conversation.handing_back:
            result: Ending | str = ""
            with self.control.work():
                result = await self._work()
            if isinstance(result, Ending):
                return result
            if why := result or self._reason_to_stop():
                self.turn.stopping(why)
                self.conversation.hand_back(why)
        return await self._hand_back(self.conversation.handing_back)

    async def _work(self) -> Ending | str:
        """Turn after turn, to the ending or to a reason to stop."""
        while not (why := self._reason_to_stop()):
            if ending := await self._advance():
                return ending
        return why

    async def _advance(self) -> Ending | None:
        """One turn: the open calls, or else the next reply; the ending if this is it."""
        if calls := self.conversation.open_calls():
            return await self._run_tools(calls)
        if self.conversation.last.role == "assistant":
            return self._judge(self.conversation.last)
        try:
            await self.turn.take(self.tools.specs)
        except BudgetError as error:
            return self._leftovers(f"budget: {error.limit}")
        return None

    def _judge(self, last: Message) -> Ending | None:
        if self.control.mail:
            self.conversation.read_mail(self.control.mail)
            return None
        if objection := self.review(last):
            self.conversation.nudge(objection)
            return None
        if not last.text.strip():
            return Ending("empty", why="the model answered nothing")
        return Ending("completed", last.text)

    def _reason_to_stop(self) -> str:
        if self._repeats_itself():
            return f"the same call {self.repeats} times in a row"
        if self.conversation.last.role == "assistant" and not self.conversation.open_calls():
            return ""
        if self.control.cancelled:
            return self.control.cancelled
        if self.conversation.open_calls():
            return ""
        if self.conversation.steps >= self.max_steps:
            return f"limit of {self.max_steps} steps"
        return self.stop_when()

    async def _hand_back(self, why: str) -> Ending:
        """One last turn, with no tools but those that hand work back."""
        if self.conversation.last.role != "assistant":
            try:
                await self.turn.take(self.tools.only(self.closing_tools), final=True)
            except (BudgetError, ModelError):
                return self._leftovers(why)
        calls = self.conversation.open_calls()
        ending = await self._run_tools([c for c in calls if c.name in self.closing_tools])
        if ending is not None:
            return Ending("partial", ending.text, why, ending.closing)
        return self._leftovers(why)

    def _leftovers(self, why: str) -> Ending:
        """What the agent said last, for want of anything better."""
        said = [m.text for m in self.conversation.history if m.role == "assistant"]
        return Ending("partial", next((text for text in reversed(said) if text.strip()), ""), why)

    async def _run_tools(self, calls: Sequence[ToolCall]) -> Ending | None:
        """Runs these open calls, others are given up; the ending, if one closed the work."""
        talk = self.conversation
        lost = [call for call in calls if self._is_lost(call)]
        for call in lost:
            talk.returned(call, ToolResult(INTERRUPTED, ok=False))
        runnable = [call for call in calls if call not in lost]
        results = await self.tools.run(runnable, talk.path, talk.called, talk.returned)
        talk.close_calls()
        closing = next((result for result in reversed(results) if result.closing), None)
        return Ending("completed", closing.text, closing=closing) if closing else None

    def _is_lost(self, call: ToolCall) -> bool:
        """Whether an earlier process began this call, and doing it again might do harm."""
        return call.id in self.conversation.interrupted and not self.tools.is_repeatable(call.name)

    def _repeats_itself(self) -> bool:
        """Whether the last `repeats` replies all made the same calls."""
        replies = (m for m in reversed(self.conversation.history) if m.role == "assistant")
        last = next(replies, None)
        if last is None or not last.tool_calls:
            return False
        earlier = takewhile(lambda m: _made(m) == _made(last), islice(replies, self.repeats - 1))
        return sum(1 for _ in earlier) == self.repeats - 1


def _made(reply: Message) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for call in reply.tool_calls]

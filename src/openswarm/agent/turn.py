"""One turn of an agent: from its conversation to the next reply, journalled and durable."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from openswarm.agent.context import Context
from openswarm.agent.control import Control
from openswarm.agent.conversation import Conversation
from openswarm.core.budget import NOTHING, Amount
from openswarm.core.errors import BudgetError, Fault, ModelError
from openswarm.core.events import Admitted, LimitHit, Requeued, Tick
from openswarm.journal.journal import Journal
from openswarm.llm.model import Delta, Request, ToolSpec
from openswarm.llm.paced import PacedModel, PaidReply


@dataclass(slots=True)
class Turn:
    """How one agent gets its replies."""

    name: str
    """The agent's name, by which scripted models are keyed."""
    model: PacedModel
    journal: Journal
    conversation: Conversation
    control: Control
    context: Context
    reply_tokens: int = 4096
    stall_s: float = 60.0
    thinking: bool | None = None
    effort: str = ""
    must_call: Callable[[], bool] = lambda: False
    """Whether the next reply has to call a tool."""
    held_back: Amount = NOTHING
    """What of the budget has to stay free for others."""
    _last: tuple[int, tuple[ToolSpec, ...]] = (0, ())
    """The excess of the last reply's bound, and the tools that it was offered."""

    async def take(self, tools: tuple[ToolSpec, ...], *, final: bool = False) -> None:
        """Puts the next reply into the conversation; it is durable then.

        Raises `BudgetError` when the budget does not allow it, `ModelError` after all retries.
        """
        talk = self.conversation
        talk.read_mail(self.control.mail)
        request = Request(
            history=talk.history,
            tools=tools,
            excess_tokens=self._excess(tools),
            max_tokens=min(self.reply_tokens, self.context.window // 4),
            stall_s=self.stall_s,
            thinking=self.thinking,
            effort=self.effort,
            agent=self.name,
            must_call=bool(tools) and self.must_call(),
        )
        started = time.monotonic()
        paid = await self._reply_within_window(request)
        talk.replied(paid, self.model.model.spec, time.monotonic() - started, final=final)
        self.context.used(paid.reply.usage, talk.history)
        self._last = (paid.excess_tokens, tools)
        await self.journal.commit()

    def stopping(self, why: str) -> None:
        """Says in the journal why the agent is told to hand back."""
        self.journal.append(LimitHit(agent=self.conversation.path, limit="stop", message=why))

    def _excess(self, tools: tuple[ToolSpec, ...]) -> int:
        """What the last reply showed the bound to be too high by.

        The conversation has only grown since; tools that were taken away were in the bound then,
        and are counted twice, since JSON inside JSON is longer.
        """
        excess, before = self._last
        gone = [tool for tool in before if tool not in tools]
        return excess - 2 * sum(len(t.parameters) + len(t.description) + 100 for t in gone)

    async def _reply_within_window(self, request: Request) -> PaidReply:
        if await self.context.make_room(request, self.conversation, self._reply):
            request.excess_tokens = 0
        try:
            return await self._reply(request)
        except ModelError as error:
            if error.fault is not Fault.CONTEXT:
                raise
            shorter = await self.context.make_room(
                request, self.conversation, self._reply, overflowed=True
            )
            if not shorter:
                raise
            request.excess_tokens = 0
            return await self._reply(request)

    async def _reply(self, request: Request) -> PaidReply:
        try:
            return await self.model.reply(
                request,
                on_delta=self._show,
                on_wait=self._waits,
                on_go=self._goes_on,
                held_back=self.held_back,
            )
        except BudgetError as error:
            path = self.conversation.path
            self.journal.append(LimitHit(agent=path, limit=error.limit, message=str(error)))
            raise

    def _show(self, delta: Delta) -> None:
        self.journal.tick(Tick(agent=self.conversation.path, kind=delta.kind, text=delta.text))

    def _waits(self, reason: str, seconds: float) -> None:
        path = self.conversation.path
        self.journal.append(Requeued(agent=path, reason=reason, wait_s=round(seconds, 3)))
        self.journal.tick(Tick(agent=path, kind="restart"))

    def _goes_on(self) -> None:
        self.journal.append(Admitted(agent=self.conversation.path))

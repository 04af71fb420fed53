"""The approvals of a run: one queue of questions, each answered by its id and never replaced.

Where nobody can answer, the call is denied and that is written down: a run without people fails
closed. Owns who may answer and how; which calls are asked about is `dispatch`'s business.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import anyio

from openswarm.core.events import Answered, AnyEvent, ApprovalAsked, ApprovalGiven
from openswarm.journal.journal import Journal
from openswarm.tools.tool import Effect, ToolContext

Answer = Literal["allow", "always", "deny"]
Approver = Callable[[ApprovalAsked], Awaitable[Answer]]
"""Answers a question. `always` allows every further call of the tool in this run."""

NOBODY = "nobody is there to answer"


@dataclass(slots=True)
class _Question:
    asked: ApprovalAsked
    answered: anyio.Event = field(default_factory=anyio.Event)
    given: ApprovalGiven | None = None


class Approvals:
    """The questions of a run that wait for an answer."""

    def __init__(
        self, journal: Journal, *, attended: bool = False, approver: Approver | None = None
    ) -> None:
        """`attended`: somebody may answer through `answer`, from another terminal for example."""
        self._journal = journal
        self._attended = attended
        self._approver = approver
        self._open: dict[str, _Question] = {}
        self._count = 0
        self._always: dict[str, str] = {}
        """Tools that are allowed for the rest of the run, and who allowed them."""

    @property
    def waiting(self) -> tuple[ApprovalAsked, ...]:
        """The questions that are open, oldest first."""
        return tuple(question.asked for question in self._open.values())

    def restore(self, events: Sequence[AnyEvent]) -> None:
        """Takes back what was asked and allowed before; what was left open is withdrawn."""
        left: dict[str, ApprovalAsked] = {}
        for event in events:
            if isinstance(event, ApprovalAsked):
                self._count = max(self._count, int(event.id))
                left[event.id] = event
            elif isinstance(event, ApprovalGiven):
                left.pop(event.id, None)
                if event.always and event.answer == "allow":
                    self._always[event.tool] = event.by
            elif isinstance(event, Answered):
                self._always.clear()  # what is done after the answer needs a word of its own
        for asked in left.values():
            self._give(asked, "withdrawn", "the process that asked has ended")

    async def ask(self, tool: str, effect: Effect, context: ToolContext) -> ApprovalGiven:
        """Asks, and waits for the answer. The question is durable before anybody sees it."""
        asked = self._journal.append(
            ApprovalAsked(
                agent=context.agent,
                id=self._next_id(),
                call_id=context.call_id,
                tool=tool,
                command=effect.command,
                directory=effect.directory,
            )
        )
        if tool in self._always:
            return self._give(asked, "allow", self._always[tool])
        if self._approver is None and not self._attended:
            return self._give(asked, "deny", NOBODY)
        try:
            given = await self._answer_to(asked)
        except BaseException:
            self._open.pop(asked.id, None)
            self._give(asked, "withdrawn", "its agent was stopped")
            raise
        await self._journal.commit()
        return given

    def answer(self, id_: str, answer: Answer, by: str, request: str = "") -> bool:
        """Answers an open question; False if there is none of this id (any more)."""
        question = self._open.pop(id_, None)
        if question is None:
            return False
        question.given = self._decide(question.asked, answer, by, request)
        question.answered.set()
        return True

    async def _answer_to(self, asked: ApprovalAsked) -> ApprovalGiven:
        if self._approver is not None:
            await self._journal.commit()
            return self._decide(asked, await self._approver(asked), "the program")
        question = self._open[asked.id] = _Question(asked)
        await self._journal.commit()
        await question.answered.wait()
        assert question.given is not None
        return question.given

    def _decide(
        self, asked: ApprovalAsked, answer: Answer, by: str, request: str = ""
    ) -> ApprovalGiven:
        if answer == "always":
            self._always[asked.tool] = by
            for other in [o for o in self._open.values() if o.asked.tool == asked.tool]:
                self.answer(other.asked.id, "allow", by)
        allowed: Literal["allow", "deny"] = "deny" if answer == "deny" else "allow"
        return self._give(asked, allowed, by, always=answer == "always", request=request)

    def _give(
        self,
        asked: ApprovalAsked,
        answer: Literal["allow", "deny", "withdrawn"],
        by: str,
        *,
        always: bool = False,
        request: str = "",
    ) -> ApprovalGiven:
        return self._journal.append(
            ApprovalGiven(
                agent=asked.agent,
                id=asked.id,
                call_id=asked.call_id,
                tool=asked.tool,
                answer=answer,
                by=by,
                always=always,
                request=request,
            )
        )

    def _next_id(self) -> str:
        self._count += 1
        return str(self._count)

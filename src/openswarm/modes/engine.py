"""One run, or one generation of it, from start to answer: builds its crew, lets the work be done,
watches time and requests, writes the answer.

What an earlier process began is built from its events, and then the same thing happens.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from openswarm.agent.control import Control
from openswarm.agent.loop import Ending
from openswarm.core.budget import Amount
from openswarm.core.errors import sole_error
from openswarm.core.events import (
    ROOT,
    Answered,
    AnyEvent,
    GenerationStarted,
    ModelReplied,
    Tick,
)
from openswarm.core.messages import Usage
from openswarm.core.result import Outcome, RunResult
from openswarm.journal.fold import RunView
from openswarm.journal.journal import Journal
from openswarm.modes.attachments import FirstMessage
from openswarm.modes.crew import Crew, Means, make_crew
from openswarm.modes.housekeeping import keep_house, watch_time
from openswarm.modes.lead import lead, merge_summary
from openswarm.modes.result import coverage_of_run, result_of, what_is_missing
from openswarm.modes.routing import Route
from openswarm.swarm.stages import Stages, stats_of

Work = Callable[[Crew], Awaitable[Ending]]
"""What is done between the start and the answer."""


@dataclass(slots=True)
class Engine:
    """A run being carried out."""

    means: Means
    route: Route
    first: FirstMessage | None = None
    """The root's first message; None is the task's text."""
    folder: Path | None = None
    control: Control = field(default_factory=lambda: Control(ROOT))
    view: RunView = field(default_factory=RunView)
    stages: Stages = field(default_factory=Stages)
    """The stages of this generation."""
    _used_before: tuple[Usage, float | None, int] = (Usage(), None, 0)
    """Tokens, dollars and steps of earlier generations."""
    _last_root_tokens: int = 0
    """What the root's last reply used."""
    _old_hits: int = 0
    """How many limits were hit before the last answer; they say nothing of the next one."""

    @property
    def journal(self) -> Journal:
        """The run's journal."""
        return self.means.journal

    async def execute(self, past: Sequence[AnyEvent], work: Work | None = None) -> RunResult:
        """Works to the answer; by default the root agent does the task.

        Raises `ModelError` when nothing at all could be had.
        """
        started = time.monotonic()
        asked = self.means.dispatch.approvals
        for event in past:
            self._fold(event)
        stop_observing = self.journal.observe(self._fold)
        ending: Ending | None = None
        try:
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(keep_house, self.journal, self.control, self.folder, asked)
                    tasks.start_soon(watch_time, self.means.task.limits.wall_s, self.control)
                    with self.control.scope:
                        ending = await self._work(past, work)
                    tasks.cancel_scope.cancel()
            except BaseExceptionGroup as group:
                raise sole_error(group) from None
            await self._answer(
                ending or Ending("cancelled", why=f"killed by {self.control.killed}")
            )
        finally:
            stop_observing()
        return self.result(time.monotonic() - started)

    def _fold(self, event: AnyEvent | Tick) -> None:
        if isinstance(event, Tick):
            return
        self.view.apply(event)
        self.stages.apply(event)
        if isinstance(event, ModelReplied) and event.agent == ROOT:
            self._last_root_tokens = event.usage.total_tokens
        if isinstance(event, Answered):
            self._old_hits = len(self.view.limits_hit)
        elif isinstance(event, GenerationStarted):
            self.stages = Stages()
            steps = sum(agent.steps for agent in self.view.agents.values())
            self._used_before = (self.view.usage, self.view.cost_usd, steps)

    async def _work(self, past: Sequence[AnyEvent], work: Work | None) -> Ending:
        crew = make_crew(self.means, self.control, past, self._spent(), self._stage_steps_left)
        if work is not None:
            return await work(crew)
        return await lead(crew, self.route, past, first=self.first, stop_when=self._must_answer)

    def _spent(self) -> Amount:
        """What this generation has used, in an earlier process."""
        usage, usd, steps = self._used_before
        now = sum(agent.steps for agent in self.view.agents.values())
        tokens = (self.view.usage - usage).total_tokens
        return Amount(now - steps, tokens, (self.view.cost_usd or 0.0) - (usd or 0.0))

    def _stage_steps_left(self) -> int:
        """What the last stage may add to the longest path, so that the answer still fits."""
        limit = self.means.task.limits.critical_steps
        if limit is None:
            return 1_000_000
        return limit - self.stages.critical_steps_before_stage - 1

    def _must_answer(self) -> str:
        """Why the root has to answer now, or ''."""
        return self._critical_limit() or self._token_limit()

    def _token_limit(self) -> str:
        """Another turn and an answer do not fit, each taking what the last reply may have."""
        limits = self.means.task.limits
        if limits.tokens is None or not self._last_root_tokens:
            return ""
        left = limits.tokens - self._spent().tokens
        if left >= 2 * (self._last_root_tokens + limits.reply_tokens):
            return ""
        return f"limit of {limits.tokens} tokens"

    def _critical_limit(self) -> str:
        """Why the root has to answer now: a turn, what it sets going, and the answer do not fit."""
        limit = self.means.task.limits.critical_steps
        wanted = 3 if self.route.mode == "swarm" else 2
        if limit is None or limit - self.stages.critical_steps >= wanted:
            return ""
        return f"limit of {limit} critical steps"

    async def _answer(self, ending: Ending) -> None:
        outcome, why = self._outcome(ending)
        text = ending.text or f"No answer was written ({why}). {merge_summary(self.view.num_rows)}"
        self.journal.append(Answered(outcome=outcome, why=why, text=self.journal.keep(text)))
        await self.journal.commit()

    def _outcome(self, ending: Ending) -> tuple[Outcome, str]:
        if self.control.killed:
            return "cancelled", f"killed by {self.control.killed}"
        if ending.outcome == "completed" and self.view.contract is not None:
            if why := what_is_missing(coverage_of_run(self.view)):
                return "partial", why
            if not self.view.num_rows:
                return "partial", "the table has no rows"
        if ending.outcome == "completed" and (limit := self._limit_hit()):
            return "partial", limit
        if self.control.cancelled and not ending.text and not self.view.num_rows:
            return "cancelled", ending.why
        return ending.outcome, ending.why

    def _limit_hit(self) -> str:
        """The limit of the whole run that ended some of the work, or ''."""
        budgets = ("steps", "tokens", "usd")
        hits = self.view.limits_hit[self._old_hits :]
        if any(hit.limit == "max_subagents" for hit in hits):
            return next(hit.message for hit in hits if hit.limit == "max_subagents")
        return next((f"budget: {hit.limit}" for hit in hits if hit.limit in budgets), "")

    def result(self, wall_s: float) -> RunResult:
        """The run as it stands, with the figures of this generation."""
        usage, usd, _ = self._used_before
        cost = self.view.cost_usd
        spent = cost if cost is None or usd is None else cost - usd
        stats = stats_of(self.stages, self.view.usage - usage, spent, wall_s)
        return result_of(self.view, self.journal.read, stats, str(self.folder or ""))

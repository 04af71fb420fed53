"""One run from start to answer: builds its parts, lets the root agent work, writes the answer.

A run that an earlier process began is built from its events, and then the same thing happens.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from openswarm.agent.control import Control
from openswarm.agent.conversation import Conversation, replay
from openswarm.agent.loop import Ending
from openswarm.core.budget import Amount, Ledger
from openswarm.core.errors import ModelError, sole_error
from openswarm.core.events import (
    ROOT,
    Answered,
    AnyEvent,
    CapacityChanged,
    Failed,
    ModelReplied,
    Nudged,
    ReportReceived,
    TaskAssigned,
    Tick,
    ToolReturned,
)
from openswarm.core.limits import Limits
from openswarm.core.result import Outcome, Report, RunResult
from openswarm.core.settings import Settings, Strategy
from openswarm.core.table import fold_key
from openswarm.core.task import Task
from openswarm.journal.fold import RunView
from openswarm.journal.journal import Journal
from openswarm.llm.model import ChatModel
from openswarm.llm.paced import PacedModel
from openswarm.modes.housekeeping import keep_house, watch_time
from openswarm.modes.router import Route
from openswarm.pacing.gate import BudgetGate
from openswarm.pacing.limiter import Pacing
from openswarm.swarm.merge import TableMerge
from openswarm.swarm.orchestrator import DEFAULT_AGENT, NAME, Lead, held_back
from openswarm.swarm.prompts import Prompts
from openswarm.swarm.quotes import documents_read
from openswarm.swarm.report import REPORT, Reporter
from openswarm.swarm.scheduler import Scheduler
from openswarm.swarm.spawn import Spawner
from openswarm.swarm.stages import Stages, stats_of
from openswarm.swarm.subagent import USE_REPORT, Subagents
from openswarm.tools.shared import SharedCalls
from openswarm.tools.tool import Tool

if TYPE_CHECKING:
    from openswarm.tools.corpus.corpus import Corpus

GO_ON = "Go on with the task: finish what was left undone or is missing, then answer anew."
SHOWN_NAMES = 40


@dataclass(slots=True)
class Engine:
    """A run being carried out."""

    journal: Journal
    task: Task
    route: Route
    settings: Settings
    models: Mapping[str, ChatModel]
    """By specification; '' is the sub-agents' own, `orchestrator` the root's."""
    tools: Sequence[Tool] = ()
    corpus: "Corpus | None" = None
    brief: str = ""
    """The root's first message; '' is the task's text."""
    folder: Path | None = None
    control: Control = field(default_factory=lambda: Control(ROOT))
    view: RunView = field(default_factory=RunView)
    stages: Stages = field(default_factory=Stages)
    _old_hits: int = 0
    """How many limits were hit before the last answer; they say nothing of the next one."""

    async def execute(self, past: Sequence[AnyEvent] = ()) -> RunResult:
        """Works to the answer. Raises `ModelError` when nothing at all could be had."""
        started = time.monotonic()
        for event in past:
            self._fold(event)
            if isinstance(event, Answered):
                self._old_hits = len(self.view.limits_hit)
        stop_observing = self.journal.observe(self._fold)
        ending: Ending | None = None
        try:
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(keep_house, self.journal, self.control, self.folder)
                    tasks.start_soon(watch_time, self.task.limits.wall_s, self.control)
                    with self.control.scope:
                        ending = await self._work(past)
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
        if not isinstance(event, Tick):
            self.view.apply(event)
            self.stages.apply(event)

    async def _work(self, past: Sequence[AnyEvent]) -> Ending:
        merge = TableMerge(self.journal, self.task.contract)
        merge.restore(past, self.view)
        talk, lead = await self._lead(past, merge)
        try:
            ending = await lead.agent().run()
        except ModelError as error:
            self.journal.append(
                Failed(boundary=error.boundary, kind=error.kind, message=str(error)[:2000])
            )
            await self.journal.commit()
            if not self.view.rows:
                raise
            return Ending("partial", why=f"the orchestrator's model failed: {error}")
        if ending.closing is not None and ending.closing.data:
            rows = ending.closing.data
            self.journal.append(ReportReceived(outcome=ending.outcome, rows=rows, steps=talk.steps))
            merge.add(0, Report(agent=ROOT, outcome=ending.outcome, rows=rows))
            return Ending(ending.outcome, merge_summary(len(rows)), ending.why)
        return ending

    async def _lead(self, past: Sequence[AnyEvent], merge: TableMerge) -> tuple[Conversation, Lead]:
        limits, shared = self.task.limits, SharedCalls()
        gate = BudgetGate(self._ledger())
        pacing = Pacing(self._capacity_changed)

        def paced(spec: str) -> PacedModel:
            model = self.models[spec]
            return PacedModel(model, pacing.limiter(model.resource), gate, limits.retry_s)

        model = paced("orchestrator")
        compact = model.info.compact
        prompts = Prompts(compact=compact, compact_subagents=paced("").info.compact)
        spawner = None
        if self.route.mode == "swarm":
            spawner = self._spawner(past, merge, prompts, paced, shared)
        if any(isinstance(event, TaskAssigned) and event.agent == ROOT for event in past):
            talk = replay(ROOT, self.journal, past)
            if _has_just_answered(past) and not talk.open_calls():
                talk.nudge(GO_ON)
        else:
            talk = await self._begin(prompts)
        return talk, Lead(
            name=NAME if spawner else self.route.mode,
            model=model,
            journal=self.journal,
            conversation=talk,
            control=self.control,
            limits=limits,
            strategy=self._strategy,
            tools=self._root_tools(merge, talk, compact=compact),
            shared=shared,
            spawner=spawner,
            thinking={"instant": False, "thinking": True}.get(self.route.mode),
            stop_when=self._critical_limit,
            must_call=lambda: compact and spawner is not None and not spawner.num_started,
            closing_tools=(REPORT,),
            review=lambda _: "" if self._may_end(talk) else USE_REPORT,
        )

    def _may_end(self, talk: Conversation) -> bool:
        """Whether words are enough; an agent alone is told once that its rows are wanted."""
        wanted = self.route.mode == "agent" and self.task.contract is not None
        return not wanted or talk.was_told(USE_REPORT)

    def _spawner(
        self,
        past: Sequence[AnyEvent],
        merge: TableMerge,
        prompts: Prompts,
        paced: Callable[[str], PacedModel],
        shared: SharedCalls,
    ) -> Spawner:
        limits = self.task.limits
        subagents = Subagents(
            journal=self.journal,
            model=paced,
            tools=self.tools,
            shared=shared,
            contract=lambda: merge.contract,
            corpus=self.corpus,
            limits=limits,
            strategy=self._strategy,
            held_back=held_back(limits),
            critical_steps_left=self._stage_steps_left,
        )
        compact = paced("orchestrator").info.compact
        offered = (
            ["assign_batch"] if compact else ["create_subagent", "assign_task", "assign_batch"]
        )
        if self.task.contract is None and not compact:
            offered.append("declare_table")
        spawner = Spawner(
            journal=self.journal,
            scheduler=Scheduler(subagents.work, self.journal, self._scheduled(), self.control),
            merge=merge,
            prompts=prompts,
            limits=limits,
            direct_tools=[tool.name for tool in self.tools],
            models=[spec for spec in self.models if spec not in ("", "orchestrator")],
            offered=offered,
        )
        spawner.restore(past)
        spawner.register(DEFAULT_AGENT)
        return spawner

    def _root_tools(
        self, merge: TableMerge, talk: Conversation, *, compact: bool
    ) -> tuple[Tool, ...]:
        if self.route.mode in ("instant", "thinking"):
            return ()
        if self.route.mode == "swarm" and compact:
            return ()  # a small model leads best with a single thing to do
        if self.route.mode == "agent" and merge.contract is not None:
            reporter = Reporter(
                contract=merge.contract,
                item="",
                agent=ROOT,
                documents=lambda: documents_read(talk.readings),
                compact=compact,
            )
            return (reporter.tool(), *self.tools)
        return tuple(self.tools)

    async def _begin(self, prompts: Prompts) -> Conversation:
        facts: dict[str, Any] = {"contract": self.task.contract, "corpus": None}
        if self.corpus is not None:
            names = await self.corpus.names(SHOWN_NAMES)
            facts["corpus"] = {"documents": self.corpus.documents, "names": names}
        if self.route.mode == "swarm":
            system = prompts.orchestrator(
                **facts, limits=self.task.limits, default_agent=DEFAULT_AGENT.name
            )
        elif self.route.mode == "agent":
            system = prompts.agent(**facts)
        else:
            system = prompts.answer()
        talk = Conversation(ROOT, self.journal)
        keep = self.journal.keep
        talk.begin(TaskAssigned(system=keep(system), brief=keep(self.brief or self.task.text)))
        return talk

    def _scheduled(self) -> Limits:
        """The limits, narrowed to what the sub-agents' model does at once: who waits for it keeps
        its time."""
        limits, at_once = self.task.limits, self.models[""].info.parallel
        if at_once is None or at_once >= limits.parallel:
            return limits
        return limits.model_copy(update={"max_parallel": at_once})

    @property
    def _strategy(self) -> Strategy:
        return self.settings.context_strategy

    def _ledger(self) -> Ledger:
        """The budget, less what an earlier process has spent."""
        ledger = Ledger.of(self.task.limits)
        steps = sum(view.steps for view in self.view.agents.values())
        usd = self.view.cost_usd or 0.0
        ledger.settle(Amount(), Amount(steps, self.view.usage.total_tokens, usd))
        return ledger

    def _capacity_changed(self, resource: str, capacity: int, reason: str) -> None:
        self.journal.append(CapacityChanged(resource=resource, capacity=capacity, reason=reason))

    def _stage_steps_left(self) -> int:
        """What the last stage may add to the longest path, so that the answer still fits."""
        limit = self.task.limits.critical_steps
        if limit is None:
            return 1_000_000
        return limit - self.stages.critical_steps_before_stage - 1

    def _critical_limit(self) -> str:
        """Why the root has to answer now: a turn, what it sets going, and the answer do not fit."""
        limit = self.task.limits.critical_steps
        wanted = 3 if self.route.mode == "swarm" else 2
        if limit is None or limit - self.stages.critical_steps >= wanted:
            return ""
        return f"limit of {limit} critical steps"

    async def _answer(self, ending: Ending) -> None:
        outcome, why = self._outcome(ending)
        text = ending.text or f"No answer was written ({why}). {merge_summary(len(self.view.rows))}"
        self.journal.append(Answered(outcome=outcome, why=why, text=self.journal.keep(text)))
        await self.journal.commit()

    def _outcome(self, ending: Ending) -> tuple[Outcome, str]:
        if self.control.killed:
            return "cancelled", f"killed by {self.control.killed}"
        if ending.outcome == "completed" and self.view.contract is not None:
            missing = self._missing_items()
            if missing:
                names = ", ".join(item[:60] for item in missing[:10])
                return "partial", f"{len(missing)} rows are missing: {names}"
        if ending.outcome == "completed" and self.view.contract and not self.view.rows:
            return "partial", "the table has no rows"
        if ending.outcome == "completed" and (limit := self._budget_hit()):
            return "partial", f"budget: {limit}"
        if self.control.cancelled and not ending.text and not self.view.rows:
            return "cancelled", ending.why
        return ending.outcome, ending.why

    def _budget_hit(self) -> str:
        """The shared budget that ended some of the work, or ''."""
        budgets = ("steps", "tokens", "usd")
        hits = self.view.limits_hit[self._old_hits :]
        return next((hit.limit for hit in hits if hit.limit in budgets), "")

    def _missing_items(self) -> list[str]:
        """The batch items of which no sub-agent brought a row."""
        table, agents = self.view.table, self.view.sub_agents
        if table is None:
            return []
        brought = {view.item for view in agents if view.outcome == "completed"}
        keys = {row.key(table.contract) for row in table.rows}
        items = dict.fromkeys(view.item for view in agents if view.item)
        return [item for item in items if item not in brought and (fold_key(item),) not in keys]

    def result(self, wall_s: float) -> RunResult:
        """The run as it stands."""
        return result_of(self.journal, self.view, self.stages, wall_s, self.folder)


def _has_just_answered(past: Sequence[AnyEvent]) -> bool:
    """Whether nothing was said to the root, or by it, since the run's last answer."""
    for event in reversed(past):
        if isinstance(event, Answered):
            return True
        if isinstance(event, ModelReplied | Nudged | ToolReturned) and event.agent == ROOT:
            return False
    return False


def result_of(
    journal: Journal, view: RunView, stages: Stages, wall_s: float, folder: Path | None
) -> RunResult:
    """A run as Python and the terminal see it."""
    return RunResult(
        run_id=journal.run_id,
        mode=view.mode,
        mode_reason=view.mode_reason,
        answer=journal.read(view.answer),
        outcome=view.outcome or "failed",
        why=view.why,
        table=view.table,
        failures=tuple(view.failures),
        stats=stats_of(view, stages, wall_s),
        folder=str(folder or ""),
    )


def merge_summary(rows: int) -> str:
    """A sentence on the table, where no model wrote one."""
    return f"The table has {rows} rows." if rows else ""

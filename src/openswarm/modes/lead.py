"""The root agent's work: an orchestrator that leads a swarm, an agent alone, or one reply."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from openswarm.agent.conversation import Conversation, replay
from openswarm.agent.loop import Ending
from openswarm.agent.release import with_release
from openswarm.core.errors import ModelError
from openswarm.core.events import (
    ROOT,
    Answered,
    AnyEvent,
    Failed,
    ModelReplied,
    Nudged,
    ReportReceived,
    TaskAssigned,
    ToolReturned,
)
from openswarm.core.result import Report
from openswarm.modes.attachments import FirstMessage
from openswarm.modes.crew import Crew
from openswarm.modes.routing import Route
from openswarm.swarm.orchestrator import DEFAULT_AGENT, NAME, Lead
from openswarm.swarm.quotes import documents_read
from openswarm.swarm.report import REPORT, Reporter
from openswarm.swarm.spawn import Spawner
from openswarm.swarm.subagent import USE_REPORT
from openswarm.tools.tool import Tool

GO_ON = "Go on with the task: finish what was left undone or is missing, then answer anew."


async def lead(
    crew: Crew,
    route: Route,
    past: Sequence[AnyEvent],
    *,
    first: FirstMessage | None = None,
    stop_when: Callable[[], str] = lambda: "",
) -> Ending:
    """Lets the root agent work to its ending. Raises `ModelError` when nothing could be had.

    `first` is its first message, by default the task's text; `stop_when` says why it has to
    answer now, or ''.
    """
    root = _Root(crew, route)
    talk = await root.conversation(past, first or FirstMessage(crew.means.task.text))
    agent = root.lead(talk, past, stop_when).agent()
    journal, merge = crew.means.journal, crew.merge
    try:
        ending, note = await with_release(agent.run, agent.tools, ROOT)
    except ModelError as error:
        journal.append(Failed(boundary=error.boundary, kind=error.kind, message=str(error)[:2000]))
        await journal.commit()
        if not merge.tables.placed:
            raise
        return Ending("partial", why=f"the orchestrator's model failed: {error}")
    if ending.closing is not None and ending.closing.data:
        rows = ending.closing.data
        journal.append(ReportReceived(outcome=ending.outcome, rows=rows, steps=talk.steps))
        merge.add(0, Report(agent=ROOT, outcome=ending.outcome, rows=rows))
        return Ending(ending.outcome, merge_summary(len(rows)), ending.why)
    return replace(ending, text="\n\n".join(filter(None, (ending.text, note))))


class _Root:
    """Builds the agent at the root of a run, or the one that was."""

    def __init__(self, crew: Crew, route: Route) -> None:
        self.crew, self.mode, self.task = crew, route.mode, crew.means.task
        self.journal = crew.means.journal
        self.compact = crew.model.info.compact

    async def conversation(self, past: Sequence[AnyEvent], first: FirstMessage) -> Conversation:
        if any(isinstance(event, TaskAssigned) and event.agent == ROOT for event in past):
            talk = replay(ROOT, self.journal, past)
            if _has_just_answered(past) and not talk.open_calls():
                talk.nudge(GO_ON)
            return talk
        talk = Conversation(ROOT, self.journal)
        keep = self.journal.keep
        system = await self._system_prompt()
        images = talk.kept(first.images)
        talk.begin(TaskAssigned(system=keep(system), brief=keep(first.text), images=images))
        return talk

    def lead(
        self, talk: Conversation, past: Sequence[AnyEvent], stop_when: Callable[[], str]
    ) -> Lead:
        spawner = self._spawner(past) if self.mode == "swarm" else None
        wants_rows = self.mode == "agent" and self.task.contract is not None
        return Lead(
            name=NAME if spawner else self.mode,
            model=self.crew.model,
            journal=self.journal,
            conversation=talk,
            control=self.crew.control,
            limits=self.task.limits,
            strategy=self.crew.means.strategy,
            tools=self._tools(talk),
            dispatch=self.crew.means.dispatch,
            spawner=spawner,
            thinking={"instant": False, "thinking": True}.get(self.mode),
            effort="" if self.mode == "instant" else self.task.effort,
            stop_when=stop_when,
            must_call=lambda: self.compact and spawner is not None and not spawner.num_started,
            closing_tools=(REPORT,),
            review=lambda _: USE_REPORT if wants_rows and not talk.was_told(USE_REPORT) else "",
        )

    def _spawner(self, past: Sequence[AnyEvent]) -> Spawner:
        offered = (
            ["assign_batch"] if self.compact else ["create_subagent", "assign_task", "assign_batch"]
        )
        if self.task.contract is None and not self.compact:
            offered.append("declare_table")
        models = self.crew.means.models
        spawner = Spawner(
            journal=self.journal,
            roster=self.crew.roster,
            scheduler=self.crew.scheduler,
            merge=self.crew.merge,
            follow_up=self.crew.follow_up,
            prompts=self.crew.prompts,
            limits=self.task.limits,
            direct_tools=[tool.name for tool in self.crew.means.tools],
            models=[spec for spec in models if spec not in ("", "orchestrator")],
            offered=offered,
        )
        spawner.restore(past)
        return spawner

    def _tools(self, talk: Conversation) -> tuple[Tool, ...]:
        contract = self.crew.merge.contract
        if self.mode in ("instant", "thinking"):
            return ()
        if self.mode == "swarm" and self.compact:
            return ()  # a small model leads best with a single thing to do
        if self.mode == "agent" and contract is not None:
            reporter = Reporter(
                contract=contract,
                key=(),
                agent=ROOT,
                documents=lambda: documents_read(talk.readings),
                compact=self.compact,
                steps=lambda: talk.steps,
            )
            return (reporter.tool(), *self.crew.means.tools)
        return tuple(self.crew.means.tools)

    async def _system_prompt(self) -> str:
        prompts, corpus = self.crew.prompts, self.crew.means.corpus
        models = self.crew.means.models
        facts: dict[str, Any] = {"contract": self.task.contract, "corpus": None}
        if corpus is not None:
            names = await corpus.names(models["orchestrator"].info.documents)
            facts["corpus"] = {"documents": corpus.documents, "names": names}
        if self.mode == "swarm":
            return prompts.orchestrator(
                **facts, limits=self.task.limits, default_agent=DEFAULT_AGENT.name
            )
        return prompts.agent(**facts) if self.mode == "agent" else prompts.answer()


def _has_just_answered(past: Sequence[AnyEvent]) -> bool:
    """Whether nothing was said to the root, or by it, since the run's last answer."""
    for event in reversed(past):
        if isinstance(event, Answered):
            return True
        if isinstance(event, ModelReplied | Nudged | ToolReturned) and event.agent == ROOT:
            return False
    return False


def merge_summary(rows: int) -> str:
    """A sentence on the table, where no model wrote one."""
    return f"The table has {rows} {'row' if rows == 1 else 'rows'}." if rows else ""

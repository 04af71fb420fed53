"""What is known of a run, as a fold over its events: for people, `show`, resume and figures."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from openswarm.core.contract import Contract
from openswarm.core.events import (
    ROOT,
    Admitted,
    Answered,
    AnyEvent,
    ApprovalAsked,
    ApprovalGiven,
    ArtifactKept,
    Cancelled,
    CapacityChanged,
    ChangesMerged,
    Content,
    ContextCompacted,
    Failed,
    GenerationStarted,
    LimitHit,
    ModeChosen,
    ModelReplied,
    ReportReceived,
    Requeued,
    Resumed,
    RunStarted,
    TaskAssigned,
    ToolCalled,
    ToolReturned,
    ToolsOpened,
    Undone,
    is_subagent,
)
from openswarm.core.messages import Usage
from openswarm.core.result import Failure, Outcome, State
from openswarm.core.table import Conflict, Row, Table
from openswarm.core.task import Task
from openswarm.journal.tables import TableFold


@dataclass(slots=True)
class AgentView:
    """One agent as it stands."""

    path: str
    name: str = ""
    item: str = ""
    """The batch item; '' where there is none."""
    label: str = ""
    """What it is about, for people."""
    state: State = "queued"
    outcome: Outcome | None = None
    why: str = ""
    """Why it is suspended, or why its outcome is not `completed`."""
    steps: int = 0
    tool_calls: int = 0
    usage: Usage = Usage()
    cost_usd: float | None = None
    last_action: str = ""
    assigned_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    stage: int = 0
    generation: int = 0
    """The edit that it works for; 0 is the run itself."""


@dataclass(slots=True)
class Generation:
    """Work on a finished table, and how the run had ended before it."""

    started: GenerationStarted
    outcome: Outcome | None
    why: str
    answer: Content
    failures: tuple[Failure, ...]
    undone: bool = False


@dataclass(slots=True)
class RunView:
    """One run as it stands. `apply` takes the next event."""

    run_id: str = ""
    task: Task | None = None
    model: str = ""
    subagent_model: str = ""
    tools: tuple[str, ...] = ()
    mode: str = ""
    mode_reason: str = ""
    tables: TableFold = field(default_factory=TableFold)
    generations: list[Generation] = field(default_factory=list)
    agents: dict[str, AgentView] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    limits_hit: list[LimitHit] = field(default_factory=list)
    approvals: dict[str, ApprovalAsked] = field(default_factory=dict)
    """Questions that wait for an answer, by id, oldest first."""
    denied: list[ApprovalAsked] = field(default_factory=list)
    """Calls that were not allowed, in order."""
    artifacts: list[ArtifactKept] = field(default_factory=list)
    """Files that tools made, in order."""
    changes: list[ChangesMerged] = field(default_factory=list)
    """What agents changed in files, in order."""
    sandbox: str = ""
    """How code is confined; '' where no tool runs code."""
    capacity: dict[str, int] = field(default_factory=dict)
    """What each resource admits at once, where that was found to be limited."""
    outcome: Outcome | None = None
    why: str = ""
    answer: Content = Content()
    started_at: float = 0.0
    last_at: float = 0.0
    worked_s: float = 0.0
    """Seconds of work up to the last answer, the time between a run and its edits left out."""
    working_since: float | None = None
    """When the work began that has no answer yet."""
    seq: int = 0

    @property
    def contract(self) -> Contract | None:
        """The contract of the table, if there is one."""
        return self.tables.contract

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the table, in the order in which they were assigned."""
        return self.tables.rows

    @property
    def num_rows(self) -> int:
        """How many rows the table has."""
        return len(self.tables.placed)

    @property
    def table(self) -> Table | None:
        """The table, if the run has a contract."""
        return self.tables.table

    @property
    def conflicts(self) -> list[Conflict]:
        """The cells that sub-agents disagree on, each as it was settled last."""
        return list(self.tables.conflicts.values())

    @property
    def sub_agents(self) -> list[AgentView]:
        """The sub-agents, in the order in which they were assigned."""
        return [view for path, view in self.agents.items() if is_subagent(path)]

    @property
    def usage(self) -> Usage:
        """The tokens of the whole tree."""
        return sum((view.usage for view in self.agents.values()), Usage())

    @property
    def cost_usd(self) -> float | None:
        """The dollars of the whole tree; None when nothing in it has a price."""
        costs = [view.cost_usd for view in self.agents.values() if view.cost_usd is not None]
        return sum(costs) if costs else None

    @property
    def edit(self) -> GenerationStarted | None:
        """The edit that is at work, if one is."""
        last = self.generations[-1] if self.generations else None
        is_at_work = last is not None and self.working_since is not None and not last.undone
        return last.started if last is not None and is_at_work else None

    def apply(self, event: AnyEvent) -> None:
        """Takes one event."""
        if isinstance(event, RunStarted | Resumed | GenerationStarted):
            self._clock(self.last_at, event.at)
        self.seq, self.last_at = event.seq, event.at
        self.run_id = self.run_id or event.run
        if isinstance(event, ModelReplied | ToolCalled | ToolReturned):  # nine of ten events
            self._apply_to_agent(event)
            return
        match event:
            case RunStarted():
                self.task, self.tools, self.started_at = event.task, event.tools, event.at
                self.model, self.subagent_model = event.model, event.subagent_model
                self.tables.apply(event)
            case ModeChosen():
                self.mode, self.mode_reason = event.mode, event.why
            case CapacityChanged():
                self.capacity[event.resource] = event.capacity
            case ApprovalAsked() | ApprovalGiven():
                self._apply_approval(event)
            case GenerationStarted() | Undone():
                self._change_generation(event)
            case Failed():
                self.failures.append(
                    Failure(
                        agent=event.agent,
                        boundary=event.boundary,
                        kind=event.kind,
                        message=event.message,
                    )
                )
            case Answered():
                self._answered(event)
            case _:
                self.tables.apply(event)
                self._apply_to_agent(event)
                self._apply_to_tools(event)

    def _apply_to_tools(self, event: AnyEvent) -> None:
        match event:
            case ToolsOpened():
                self.sandbox = event.sandbox if self.sandbox != "none" else self.sandbox
            case ArtifactKept():
                self.artifacts.append(event)
            case ChangesMerged():
                self.changes.append(event)
            case _:
                pass

    def _apply_approval(self, event: ApprovalAsked | ApprovalGiven) -> None:
        view = self._agent(event)
        if isinstance(event, ApprovalAsked):
            self.approvals[event.id] = event
        else:
            asked = self.approvals.pop(event.id, None)
            if event.answer == "deny" and asked is not None:
                self.denied.append(asked)
        waits = [e for e in self.approvals.values() if e.agent == event.agent]
        if waits:
            view.state, view.why = "suspended", f"approval {waits[0].id}: {waits[0].tool}"
        elif view.state == "suspended":
            view.state, view.why = "running", ""

    def _change_generation(self, event: GenerationStarted | Undone) -> None:
        if isinstance(event, Undone):
            self._undo(event)
            return
        self.tables.apply(event)
        self.generations.append(
            Generation(event, self.outcome, self.why, self.answer, tuple(self.failures))
        )
        self.outcome, self.why = None, ""

    def _undo(self, event: Undone) -> None:
        self._clock(self.last_at, None)
        self.tables.apply(event)
        for generation in reversed(self.generations):
            if generation.started.number >= event.generation and not generation.undone:
                generation.undone = True
                self.outcome, self.why = generation.outcome, generation.why
                self.answer, self.failures = generation.answer, list(generation.failures)

    def _clock(self, until: float, since: float | None) -> None:
        """Work ended at `until`, and begins again at `since`."""
        if self.working_since is not None:
            self.worked_s += max(0.0, until - self.working_since)
        self.working_since = since

    def _answered(self, event: Answered) -> None:
        self._clock(event.at, None)
        self.outcome, self.why, self.answer = event.outcome, event.why, event.text
        root = self._agent(event)
        root.state, root.outcome, root.ended_at = "done", event.outcome, event.at

    def _resumed(self, event: Resumed) -> None:
        """An answer that was not the last word counts no more."""
        if self.outcome is not None:
            self.outcome, self.why, self.answer = None, "", Content()
            root = self._agent(event)
            root.state, root.outcome, root.ended_at = "running", None, None

    def _apply_to_agent(self, event: AnyEvent) -> None:
        match event:
            case TaskAssigned():
                self._assigned(event)
            case Resumed():
                self._resumed(event)
            case Admitted():
                view = self._agent(event)
                view.state, view.why = "running", ""
                view.started_at = view.started_at or event.at
            case Requeued():
                view = self._agent(event)
                view.state, view.why = "suspended", event.reason
            case ModelReplied() | ContextCompacted():
                self._paid(event)
            case ToolCalled() | ToolReturned():
                self._used_tool(event)
            case LimitHit():
                self.limits_hit.append(event)
                self._agent(event).state = "stopping"
            case Cancelled():
                self._agent(event).state = "stopping"
            case ReportReceived():
                self._report(event)
            case _:
                pass

    def _assigned(self, event: TaskAssigned) -> None:
        view = self._agent(event)
        view.name, view.item, view.stage = event.name, event.item, event.stage
        view.label = event.label or event.item
        view.generation = self.tables.generation
        view.assigned_at = event.at
        if not is_subagent(event.agent):
            view.state, view.started_at = "running", event.at

    def _used_tool(self, event: ToolCalled | ToolReturned) -> None:
        view = self._agent(event)
        if isinstance(event, ToolCalled):
            view.tool_calls += 1
            view.last_action = f"{event.name} {event.brief}".strip()
        elif not event.ok:
            view.last_action = f"{event.name} failed"

    def _paid(self, event: ModelReplied | ContextCompacted) -> None:
        view = self._agent(event)
        view.usage += event.usage
        if event.cost_usd is not None:
            view.cost_usd = (view.cost_usd or 0.0) + event.cost_usd
        if isinstance(event, ModelReplied):
            view.steps += 1
            view.state = "running" if view.state == "suspended" else view.state
            if is_beside(event.agent):
                view.state, view.outcome, view.ended_at = "done", "completed", event.at
            view.last_action = (
                "calls " + ", ".join(c.name for c in event.calls[:3])
                if (event.calls)
                else "answers"
            )

    def _report(self, event: ReportReceived) -> None:
        view = self._agent(event)
        view.state, view.outcome, view.why = "done", event.outcome, event.why
        view.ended_at = event.at
        if self.generations and self.failures and view.item:  # a second try is what counts
            items = ((e, self._about(e.agent)) for e in self.failures)
            self.failures = [entry for entry, item in items if item != view.item]
        if event.failure is not None:
            self.failures.append(event.failure)

    def _about(self, path: str) -> str:
        return self.agents[path].item if path in self.agents else ""

    def _agent(self, event: AnyEvent) -> AgentView:
        return self.agents.setdefault(event.agent, AgentView(event.agent))


def is_beside(path: str) -> bool:
    """Whether an agent works for openswarm itself, neither the root nor a sub-agent."""
    return path != ROOT and not is_subagent(path)


def fold(events: Iterable[AnyEvent]) -> RunView:
    """The run as it stands after these events."""
    view = RunView()
    for event in events:
        view.apply(event)
    return view

"""A run as plain lines on standard error: one for each thing worth knowing, never a flood."""

from collections.abc import Callable
from types import TracebackType

from openswarm.cli.exits import say
from openswarm.cli.followed import Followed, agent_label, contract_line
from openswarm.cli.text import call_words, count, dollars, duration, one_line, tokens
from openswarm.core.events import (
    ROOT,
    Admitted,
    AgentCreated,
    Answered,
    AnyEvent,
    ApprovalAsked,
    ApprovalGiven,
    Cancelled,
    CapacityChanged,
    ConflictFound,
    ContractDeclared,
    Failed,
    GenerationStarted,
    LimitHit,
    ModeChosen,
    ReportReceived,
    Resumed,
    RunStarted,
    Steered,
    TaskAssigned,
    Tick,
    ToolCalled,
    ToolsOpened,
    is_subagent,
)
from openswarm.core.operations import describe

ANSWERED = {"allow": "allowed", "deny": "denied", "withdrawn": "withdrawn"}
FEW = 20
"""Up to so many sub-agents each report is a line; with more, every tenth part of them is."""
MOST_OF_A_KIND = 10
"""Failures, conflicts and limits beyond these are counted in the figures alone."""
PAUSE_S = 10.0
"""At least so many seconds lie between two lines about one resource, or about progress."""


class PlainLines:
    """A `Display` that writes lines. `write` puts one out."""

    def __init__(self, followed: Followed, write: Callable[[str], None] = say) -> None:
        self.followed = followed
        self._write = write
        self._assigned: list[TaskAssigned] = []
        self._shown: dict[str, int] = {}
        self._last_at: dict[str, float] = {}
        self._tenth = 0

    def __enter__(self) -> "PlainLines":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._flush_assigned()

    async def keep_fresh(self) -> None:
        """Nothing: lines are written when things happen."""

    def say(self, line: str) -> None:
        """A line that is no event of the run."""
        self._write(line)

    def take(self, event: AnyEvent | Tick) -> None:
        """Takes the next event or tick."""
        before = self.followed.view.seq
        self.followed.take(event)
        if isinstance(event, Tick):
            self._progress(event)
        elif event.seq > before:
            self._take_event(event)

    def replay(self, event: AnyEvent) -> None:
        """Takes an event of the past, without a line."""
        self.followed.take(event)

    def _progress(self, tick: Tick) -> None:
        if tick.kind == "progress" and self._due("progress"):
            self._line(tick.text)

    def _take_event(self, event: AnyEvent) -> None:
        match event:
            case TaskAssigned() if is_subagent(event.agent):
                self._assigned.append(event)
                return
            case Admitted() | AgentCreated():
                return
            case _:
                self._flush_assigned()
        match event:
            case ReportReceived():
                self._report(event)
            case ToolCalled() if event.agent == ROOT:
                self._line(f"calls {event.name} {call_words(event.brief)}")
            case CapacityChanged() if self._due(event.resource):
                self._line(f"{event.resource} admits {event.capacity} at once ({event.reason})")
            case ConflictFound() | LimitHit() | Failed():
                self._bounded(event)
            case ToolsOpened() | ApprovalAsked() | ApprovalGiven():
                self._of_tools(event)
            case _:
                self._once(event)

    def _of_tools(self, event: ToolsOpened | ApprovalAsked | ApprovalGiven) -> None:
        match event:
            case ToolsOpened():
                self._line(f"tools: {', '.join(event.tools)}{_confined(event.sandbox)}")
                for note in event.notes:
                    self._line(note)
            case ApprovalAsked():
                where = f" in {event.directory}" if event.directory else ""
                what = f"{event.agent} asks for {event.tool}{where}: {event.command}"
                self._line(f"approval {event.id}: {what}")
            case ApprovalGiven():
                self._line(f"approval {event.id}: {ANSWERED[event.answer]} ({event.by})")

    def _once(self, event: AnyEvent) -> None:
        match event:
            case RunStarted():
                self._line(f"run {event.run}, {event.model}: {event.task.text}")
            case Resumed():
                self._line(f"run {event.run} goes on")
            case GenerationStarted():
                for operation in event.operations:
                    self._line(f"edit {event.number}: {describe(operation)}")
            case ModeChosen():
                self._line(f"mode {event.mode}: {event.why}")
            case ContractDeclared():
                self._line(f"table: {contract_line(event.contract)}")
            case Steered():
                self._line(f"{event.by} to {event.agent}: {event.text}")
            case Cancelled() if event.agent == ROOT:
                verb = "hand back what there is" if event.verb == "cancel" else "stop at once"
                self._line(f"{event.verb} by {event.by}: {verb}")
            case Answered():
                self._line(f"{event.outcome}{f': {event.why}' if event.why else ''}")
            case _:
                pass

    def _bounded(self, event: ConflictFound | LimitHit | Failed) -> None:
        shown = self._shown[event.type] = self._shown.get(event.type, 0) + 1
        if shown > MOST_OF_A_KIND:
            return
        match event:
            case ConflictFound():
                where = f"{' / '.join(event.key)}, {event.column}"
                self._line(f"conflict at {where}: {event.kept.value!r}, {event.other.value!r}")
            case LimitHit():
                self._line(f"{event.agent} stops: {event.message}")
            case Failed() if event.boundary in ("user", "settings"):
                pass  # it is the error that the command ends with
            case Failed():
                self._line(f"{event.agent}: {event.boundary} {event.kind}: {event.message}")

    def _flush_assigned(self) -> None:
        stages = dict.fromkeys(event.stage for event in self._assigned)
        for stage in stages:
            group = [event for event in self._assigned if event.stage == stage]
            names = ", ".join(event.label or event.item or event.name for event in group[:FEW])
            self._line(f"stage {stage}: {count(len(group), 'sub-agent')}: {names}")
        self._assigned.clear()

    def _report(self, event: ReportReceived) -> None:
        agents = len(self.followed.at_work)
        counts = self.followed.counts()
        broken = event.outcome == "failed"
        self._shown["broken"] = self._shown.get("broken", 0) + broken
        if agents <= FEW or (broken and self._shown["broken"] <= MOST_OF_A_KIND):
            agent = self.followed.view.agents[event.agent]
            why = f" ({event.why})" if event.why else ""
            label = agent_label(agent)
            self._line(f"{label}: {event.outcome}{why}, {count(agent.steps, 'step')}")
        tenth = 10 * counts["done"] // agents
        if agents > FEW and (tenth > self._tenth or self._due("done")):
            self._tenth = tenth
            self._line(self._sum(counts["done"], agents, counts["failed"]))

    def _sum(self, done: int, agents: int, failed: int) -> str:
        view = self.followed.view
        parts = [f"{done:,} of {count(agents, 'sub-agent')} done"]
        parts += [f"{failed} failed"] if failed else []
        parts += [count(view.num_rows, "row")] if view.contract else []
        parts += [f"{tokens(view.usage.total_tokens)} tokens"]
        parts += [dollars(view.cost_usd)] if view.cost_usd is not None else []
        return ", ".join(parts)

    def _due(self, what: str) -> bool:
        now = self.followed.view.last_at
        if now - self._last_at.get(what, 0.0) < PAUSE_S:
            return False
        self._last_at[what] = now
        return True

    def _line(self, text: str) -> None:
        self._write(f"[{duration(self.followed.elapsed()):>5}] {one_line(text, 300)}")


def _confined(sandbox: str) -> str:
    if sandbox == "none":
        return "; code runs WITHOUT a sandbox"
    return f"; code runs in {sandbox}" if sandbox else ""

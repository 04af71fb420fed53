"""A run as it is followed: the folds, and the signs of life that no journal keeps.

Owns no drawing: the live view and the plain lines read it.
"""

from collections import Counter
from dataclasses import dataclass, field

from openswarm.core.contract import Contract, fold_key
from openswarm.core.events import ROOT, AnyEvent, ModelReplied, ReportReceived, Tick
from openswarm.core.limits import Limits
from openswarm.journal.fold import AgentView, RunView
from openswarm.modes.result import coverage_of_run
from openswarm.swarm.coverage import Coverage
from openswarm.swarm.stages import Stages

KEPT_CHARS = 2_000
"""So much of what an agent is writing is kept for showing."""


@dataclass(slots=True)
class Followed:
    """`take` gets every event and tick of the run, in order; a repeated event is passed over."""

    view: RunView = field(default_factory=RunView)
    stages: Stages = field(default_factory=Stages)
    writing: dict[str, str] = field(default_factory=dict)
    """The end of what each agent writes just now."""
    progress: str = ""
    """How far long work is that comes before or between the turns."""

    def take(self, event: AnyEvent | Tick) -> None:
        """Takes one event or tick."""
        if isinstance(event, Tick):
            self._tick(event)
        elif event.seq > self.view.seq:
            self.view.apply(event)
            self.stages.apply(event)
            if isinstance(event, ModelReplied | ReportReceived):
                self.writing.pop(event.agent, None)
                self.progress = ""

    def _tick(self, tick: Tick) -> None:
        match tick.kind:
            case "progress":
                self.progress = tick.text
            case "restart":
                self.writing.pop(tick.agent, None)
            case "text":
                text = self.writing.get(tick.agent, "") + tick.text
                self.writing[tick.agent] = text[-KEPT_CHARS:]
            case _:
                pass

    @property
    def limits(self) -> Limits:
        """The limits of the run."""
        return self.view.task.limits if self.view.task else Limits()

    def elapsed(self, now: float | None = None) -> float:
        """Seconds of work, up to `now` or to the last event."""
        view = self.view
        if view.working_since is None:
            return view.worked_s
        until = view.last_at if now is None else now
        return view.worked_s + max(0.0, until - view.working_since)

    @property
    def at_work(self) -> list[AgentView]:
        """The sub-agents; while an edit is at work, those of the edit."""
        every, edit = self.view.sub_agents, self.view.edit
        return [agent for agent in every if agent.generation == edit.number] if edit else every

    def counts(self) -> Counter[str]:
        """Sub-agents by state, and those that are done by outcome."""
        found: Counter[str] = Counter()
        for agent in self.at_work:
            found[agent.state] += 1
            if agent.outcome:
                found[agent.outcome] += 1
        return found

    def coverage(self) -> Coverage | None:
        """With a table: what of it is there."""
        return coverage_of_run(self.view)

    def missing(self) -> list[AgentView]:
        """With a table: for each row of which nothing is there, the last who worked on it."""
        coverage = self.coverage()
        if coverage is None:
            return []
        last = {fold_key(agent.item): agent for agent in self.view.sub_agents if agent.item}
        names = coverage.missing_rows
        return [last.get(fold_key(name)) or AgentView("", item=name) for name in names]

    def expected_rows(self) -> int:
        """With a table: how many rows were assigned, or are there beside."""
        tables = self.view.tables
        return max(len(tables.expected), len(tables.placed))


def agent_label(agent: AgentView) -> str:
    """What an agent is called: `root/3 Chile`."""
    return f"{agent.path} {about(agent)}".strip()


def about(agent: AgentView) -> str:
    """What an agent works on."""
    return "orchestrator" if agent.path == ROOT else agent.label or agent.name


def contract_line(contract: Contract) -> str:
    """The columns in one line, the key first."""
    asked = ", ".join(column.name for column in contract.asked)
    return f"{' + '.join(contract.key)} → {asked or 'nothing else'}"

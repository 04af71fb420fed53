"""The roster of a run: configurations, who was assigned what, and what they reported.

Whoever assigns work, the orchestrator's calls or work on cells, does it through the one roster, so
that numbers, stages and the ceiling of sub-agents are those of the run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from openswarm.core.events import (
    ROOT,
    AgentCreated,
    AnyEvent,
    GenerationStarted,
    ReportReceived,
    TaskAssigned,
    is_subagent,
)
from openswarm.core.result import Report
from openswarm.journal.journal import Journal
from openswarm.swarm.assignment import AgentSpec, Assignment


@dataclass(slots=True)
class Roster:
    """The sub-agents of a run."""

    journal: Journal
    specs: dict[str, AgentSpec] = field(default_factory=dict)
    assigned: dict[str, Assignment] = field(default_factory=dict)
    """By path."""
    reports: dict[str, Report] = field(default_factory=dict)
    """By path: those that were received."""
    started: int = 0
    """How many sub-agents there are; the next one's number is one more."""
    stage: int = 0
    """The number of the stage at work."""
    before_generation: int = 0
    """How many there were when this generation began."""

    @property
    def started_now(self) -> int:
        """How many sub-agents this generation has started."""
        return self.started - self.before_generation

    def register(self, spec: AgentSpec) -> None:
        """Registers a configuration."""
        if spec.name not in self.specs:
            self.specs[spec.name] = spec
            self.journal.append(
                AgentCreated(
                    name=spec.name,
                    system_prompt=self.journal.keep(spec.system_prompt),
                    tools=spec.tools,
                    model=spec.model,
                )
            )

    def next_path(self) -> str:
        """The path of the next sub-agent."""
        self.started += 1
        return f"{ROOT}/{self.started}"

    def enter(self, assignment: Assignment) -> Assignment:
        """Takes an assignment down."""
        self.assigned[assignment.path] = assignment
        return assignment

    def received(self, assignment: Assignment, report: Report) -> None:
        """Takes a report down."""
        self.reports[assignment.path] = report

    def of_generation(self) -> list[Assignment]:
        """What this generation has assigned, in order."""
        return [a for a in self.assigned.values() if a.number > self.before_generation]

    def restore(self, events: Sequence[AnyEvent]) -> None:
        """Takes back what an earlier process had registered, assigned and received."""
        by_agent: dict[str, list[AnyEvent]] = {}
        for event in events:
            if is_subagent(event.agent):
                by_agent.setdefault(event.agent, []).append(event)
        for event in events:
            match event:
                case AgentCreated():
                    prompt = self.journal.read(event.system_prompt)
                    spec = AgentSpec(event.name, prompt, event.tools, event.model)
                    self.specs[event.name] = spec
                case GenerationStarted():
                    self.before_generation = self.started
                case TaskAssigned() if is_subagent(event.agent):
                    self._restore_assignment(event, by_agent[event.agent])
                case ReportReceived() if is_subagent(event.agent):
                    self._restore_report(event)
                case _:
                    pass

    def _restore_assignment(self, event: TaskAssigned, events: Sequence[AnyEvent]) -> None:
        assignment = Assignment(
            path=event.agent,
            spec=self.specs[event.name],
            brief="",
            item=event.item,
            call_id=event.call_id,
            events=events,
            key=event.key,
            columns=event.columns,
            reason=event.reason,
        )
        self.enter(assignment)
        self.started = max(self.started, assignment.number)
        self.stage = max(self.stage, event.stage)

    def _restore_report(self, event: ReportReceived) -> None:
        assignment = self.assigned[event.agent]
        self.reports[event.agent] = Report(
            agent=event.agent,
            name=assignment.spec.name,
            item=assignment.item,
            outcome=event.outcome,
            why=event.why,
            text=self.journal.read(event.text),
            rows=event.rows,
            steps=event.steps,
            failure=event.failure,
        )

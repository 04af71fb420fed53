"""Stages and critical steps as a fold over the events of a run.

    CriticalSteps = Σ over stages of (main steps + the longest sub-agent of the stage)

(report section 3). A step is one reply of a model. Every reply of the orchestrator is a main step,
its answer too; several calls in one reply are one step. A stage without sub-agents has a longest
of 0; a sub-agent that failed or was stopped counts the steps that it used. With fewer slots than
sub-agents the plain figure is optimistic, so it is also given at k slots, by list scheduling in
the order of assignment.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from openswarm.core.events import (
    Admitted,
    AnyEvent,
    ModelReplied,
    ReportReceived,
    Requeued,
    TaskAssigned,
    is_subagent,
)
from openswarm.core.messages import Usage
from openswarm.core.result import Stats

SLOTS = (1, 4, 16, 64)
ASKED = "ask/"
"""Who answers a question about a finished run takes no step of the run's."""


@dataclass(slots=True)
class Stages:
    """Who worked in which stage, and for how many steps."""

    main_steps: int = 0
    stages: dict[int, list[str]] = field(default_factory=dict)
    """Paths of the sub-agents of each stage, in the order of assignment."""
    steps: dict[str, int] = field(default_factory=dict)
    max_in_flight: int = 0
    _in_flight: set[str] = field(default_factory=set)

    def apply(self, event: AnyEvent) -> None:
        """Takes one event."""
        match event:
            case TaskAssigned() if is_subagent(event.agent):
                self.stages.setdefault(event.stage, []).append(event.agent)
                self.steps.setdefault(event.agent, 0)
            case ModelReplied() if is_subagent(event.agent):
                self.steps[event.agent] = self.steps.get(event.agent, 0) + 1
            case ModelReplied() if not event.agent.startswith(ASKED):
                self.main_steps += 1
            case Admitted() if is_subagent(event.agent):
                self._in_flight.add(event.agent)
                self.max_in_flight = max(self.max_in_flight, len(self._in_flight))
            case ReportReceived() | Requeued():
                self._in_flight.discard(event.agent)
            case _:
                pass

    @property
    def critical_steps(self) -> int:
        """With a slot for every sub-agent."""
        return self.main_steps + sum(max(widths) for widths in self._lengths())

    @property
    def critical_steps_before_stage(self) -> int:
        """What the longest path had taken when the last stage began."""
        return self.main_steps + sum(max(widths) for widths in self._lengths()[:-1])

    @property
    def total_steps(self) -> int:
        """What one agent after the other would have taken."""
        return self.main_steps + sum(self.steps.values())

    @property
    def parallelism(self) -> float:
        """Steps of sub-agents over the sum of the longest; 1 when there were none."""
        longest = sum(max(widths) for widths in self._lengths())
        return sum(self.steps.values()) / longest if longest else 1.0

    def critical_steps_at(self, slots: int) -> int:
        """When only so many sub-agents run at once."""
        return self.main_steps + sum(makespan(lengths, slots) for lengths in self._lengths())

    def _lengths(self) -> list[list[int]]:
        return [[self.steps[path] for path in paths] for paths in self.stages.values()]


def makespan(lengths: Sequence[int], slots: int) -> int:
    """The end of the last job when each starts, in order, in the slot that is free first."""
    ends = [0] * min(slots, max(1, len(lengths)))
    for length in lengths:
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)


def fold_stages(events: Iterable[AnyEvent]) -> Stages:
    """The stages of a run."""
    stages = Stages()
    for event in events:
        stages.apply(event)
    return stages


def stats_of(stages: Stages, tokens: Usage, cost_usd: float | None, wall_s: float) -> Stats:
    """The figures of a run, or of a generation of it."""
    return Stats(
        sub_agents=len(stages.steps),
        stages=len(stages.stages),
        critical_steps=stages.critical_steps,
        critical_steps_at_slots={k: stages.critical_steps_at(k) for k in SLOTS},
        total_steps=stages.total_steps,
        parallelism=round(stages.parallelism, 2),
        max_in_flight=stages.max_in_flight,
        tokens=tokens,
        cost_usd=cost_usd,
        wall_s=round(wall_s, 3),
    )

"""Registered configurations of sub-agents, and the assignments made from them."""

from collections.abc import Sequence
from dataclasses import dataclass

from openswarm.core.events import AnyEvent


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """A reusable configuration (report, appendix E.8): one may run many assignments at once."""

    name: str
    system_prompt: str
    tools: tuple[str, ...] | None = None
    """The names of the tools it is narrowed to; None leaves it all."""
    model: str = ""
    """Its own model specification; '' is the run's model for sub-agents."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One piece of work for one sub-agent."""

    path: str
    spec: AgentSpec
    brief: str
    item: str
    call_id: str
    events: Sequence[AnyEvent]
    """Its journal so far: the assignment alone, or all that an earlier process recorded."""

    @property
    def number(self) -> int:
        """Its place in the order of assignment."""
        return number_of(self.path)


def number_of(path: str) -> int:
    """The number in a sub-agent's path; 0 for the root."""
    return int(path.rpartition("/")[2]) if "/" in path else 0

"""Registered configurations of sub-agents, and the assignments made from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from openswarm.core.events import AnyEvent, FillReason, is_subagent
from openswarm.tools.documents import Document


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """A reusable configuration (report, appendix E.8): one may run many assignments at once."""

    name: str
    system_prompt: str
    tools: tuple[str, ...] | None = None
    """The names of the tools it is narrowed to; None leaves it all."""
    model: str = ""
    """Its own model specification; '' is the run's model for sub-agents."""


def no_pages() -> Sequence[Document]:
    """For assignments with no earlier work behind them."""
    return ()


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
    key: tuple[str, ...] = ()
    """The row that it is about, where openswarm assigned it."""
    columns: tuple[str, ...] = ()
    """The columns that are asked beside the key; () asks all."""
    reason: FillReason = ""
    pages: Callable[[], Sequence[Document]] = no_pages
    """What earlier sub-agents have read about the same row. It reads the disk."""

    @property
    def number(self) -> int:
        """Its place in the order of assignment."""
        return number_of(self.path)


def number_of(path: str) -> int:
    """The number in a sub-agent's path; 0 for anybody else."""
    return int(path.rpartition("/")[2]) if is_subagent(path) else 0

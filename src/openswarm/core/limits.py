"""Limits of a run: data alone. `core.budget` compares them, and nothing else does."""

from pydantic import Field

from openswarm.core.frozen import Frozen


class Limits(Frozen):
    """What a run may use. `None` means no ceiling. Sub-agents can only narrow these."""

    max_subagents: int = Field(300, ge=0, le=1000)
    """How many sub-agents one run may start, in all."""
    max_parallel: int | None = Field(None, ge=1, le=1000)
    """How many sub-agents run at once; by default as many as there may be."""
    depth: int = Field(1, ge=0, le=1)
    """How deep sub-agents may nest; 0 allows none."""
    orchestrator_steps: int = Field(100, ge=1)
    """Replies of the orchestrator."""
    subagent_steps: int = Field(50, ge=1)
    """Replies of one assignment."""
    steps: int | None = Field(None, ge=1)
    """Replies of the whole tree."""
    critical_steps: int | None = Field(None, ge=1)
    """Steps on the longest path (report section 3)."""
    tokens: int | None = Field(None, ge=1)
    """Input and output tokens of the whole tree, cache reads included."""
    usd: float | None = Field(5.0, gt=0)
    """Dollars for the whole tree, where the model has a price."""
    reply_tokens: int = Field(4096, ge=16)
    """The most output tokens of one reply."""
    wall_s: float = Field(3600.0, gt=0)
    """Seconds for the run."""
    subagent_wall_s: float = Field(600.0, gt=0)
    """Seconds for one assignment, counted from its admission."""
    retry_s: float = Field(45.0, ge=0)
    """How long a failing call is tried again."""
    stall_s: float = Field(60.0, gt=0)
    """A reply that brings nothing for so many seconds has stalled."""
    repeats: int = Field(3, ge=2)
    """So many identical tool calls in a row break the loop."""

    @property
    def parallel(self) -> int:
        """`max_parallel` with its default filled in."""
        return max(1, self.max_parallel or self.max_subagents)

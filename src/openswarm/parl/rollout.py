"""A rollout: what of one run the trainer needs, and nothing that it does not.

Plain data, so that every trainer (ours, verl's, Tinker's) is a converter away. Knows no PyTorch.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stage:
    """One turn of the orchestrator that assigned work, and what came of it."""

    steps: tuple[int, ...]
    """Of each sub-agent, in the order of assignment."""
    briefs: tuple[str, ...]
    """What each was told, case and white space folded."""
    outcomes: tuple[str, ...]
    """`core.result.Outcome` of each."""
    useful: tuple[bool, ...]
    """Whether it completed and brought something that was not there before."""
    seconds: tuple[float, ...]
    """Simulated or measured, of each."""
    tokens: tuple[int, ...]
    """Input and output of each."""

    @property
    def width(self) -> int:
        """How many sub-agents worked at once."""
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class Segment:
    """Tokens of the orchestrator's conversation in one piece: what it read and what it wrote.

    A run is one segment unless its context was compacted. The lists are of equal length.
    """

    ids: tuple[int, ...]
    mask: tuple[bool, ...]
    """True for tokens that the policy chose; prompts, results and forced tokens are False."""
    logprobs: tuple[float, ...]
    """Of the rollout engine, over the tokens that were allowed; 0 where the mask is False."""
    choices: tuple[tuple[int, ...], ...] = ()
    """For each True of the mask the tokens that were allowed; () where all were, everywhere."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One run of the orchestrator on one task."""

    task: str
    """The task's id."""
    group: str
    """Rollouts of one group are compared with each other: the same task in the same update."""
    segments: tuple[Segment, ...]
    stages: tuple[Stage, ...]
    main_steps: int
    created: int
    """Configurations that were registered."""
    refused: int
    """Calls of spawn tools that were refused."""
    critical_steps: int
    total_steps: int
    seconds: float
    """On the longest path, simulated where sub-agents are scripted."""
    tokens: int
    """Input and output of the whole tree."""
    outcome: str
    budget_hit: bool
    quality: float
    """r_perf: how good the result is, from 0 to 1."""
    item_f1: float
    success: float
    correct_cells: int = 0
    meta: dict[str, float | str] = field(default_factory=dict)

    @property
    def spawned(self) -> int:
        """Sub-agents that were started."""
        return sum(stage.width for stage in self.stages)

    @property
    def length(self) -> int:
        """Tokens that the policy chose."""
        return sum(sum(segment.mask) for segment in self.segments)

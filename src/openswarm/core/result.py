"""Reports of sub-agents and the result of a run."""

from typing import Literal

from pydantic import Field

from openswarm.core.frozen import Frozen
from openswarm.core.messages import Usage
from openswarm.core.table import Cell, Row, Table

Outcome = Literal["completed", "partial", "failed", "cancelled", "empty"]
"""How work ended. `completed` means a valid report; `empty` means that nothing came."""

State = Literal["queued", "running", "suspended", "stopping", "done"]
"""Where work stands. State and outcome are two fields: only what is done has an outcome."""


class Failure(Frozen):
    """What went wrong, named for the boundary that it crossed."""

    agent: str
    boundary: str
    kind: str
    message: str


class Report(Frozen):
    """What a sub-agent hands back: one message, rows if there is a contract, and how it ended."""

    agent: str
    """The sub-agent's path, such as `root/3`."""
    name: str = ""
    """The registered configuration that it was made from."""
    item: str = ""
    """What it was about: the batch item, or the start of its brief."""
    outcome: Outcome
    why: str = ""
    """For every outcome but `completed`: the reason, in a few words."""
    text: str = ""
    rows: tuple[Row, ...] = ()
    steps: int = 0
    failure: Failure | None = None


class Stats(Frozen):
    """The figures of a run, all folds over its journal."""

    sub_agents: int = 0
    stages: int = 0
    critical_steps: int = 0
    critical_steps_at_slots: dict[int, int] = Field(default_factory=dict)
    """Critical steps when only k sub-agents run at once, by list scheduling; keyed by k."""
    total_steps: int = 0
    parallelism: float = 1.0
    """Sub-agent steps over the sum of the longest sub-agents; 1 when there was none."""
    max_in_flight: int = 0
    """The most sub-agents that were admitted at the same moment."""
    tokens: Usage = Usage()
    cost_usd: float | None = None
    """None when the model has no price."""
    wall_s: float = 0.0


class Citation(Frozen):
    """A mark in an answer (`[c1]`) and the cell that it stands for."""

    number: int
    row: str
    """The row's key as it is shown."""
    column: str
    cell: Cell

    @property
    def mark(self) -> str:
        """As it stands in the answer, without brackets."""
        return f"c{self.number}"


class Artifact(Frozen):
    """A file that a tool made for an agent. Its bytes are `folder/blobs/BLOB` of the run."""

    agent: str
    name: str
    media_type: str
    size: int
    """Bytes."""
    blob: str


class Denied(Frozen):
    """A call that was not allowed."""

    agent: str
    tool: str
    command: str


class Changes(Frozen):
    """What an agent changed in a folder of files, and what became of it."""

    agent: str
    root: str
    changed: tuple[str, ...] = ()
    """Files that have its changes now."""
    conflicts: tuple[str, ...] = ()
    """Files that others had changed in the same lines; they were left alone."""
    patch: str = ""
    """All that it changed, as a unified diff; `git apply` takes it."""


class RunResult(Frozen):
    """What a run gives back. A partial run is returned, not raised."""

    run_id: str
    mode: str
    mode_reason: str = ""
    answer: str
    """Where there is a table, statements name their cells (`[c1]`), and those that no cell supports
    are marked `[no cell]`."""
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[str, ...] = ()
    """Statements of the answer that no cell supports."""
    outcome: Outcome
    why: str = ""
    generation: int = 0
    """Which edit the table is of; 0 is the run itself."""
    table: Table | None = None
    failures: tuple[Failure, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    changes: tuple[Changes, ...] = ()
    denied: tuple[Denied, ...] = ()
    """Calls that somebody denied, or that nobody was there to allow."""
    sandbox: str = ""
    """How code of models was confined; `none`: it was not; '' where none was run."""
    stats: Stats = Stats()
    folder: str = ""
    """Where the run lies; '' for a run in memory."""

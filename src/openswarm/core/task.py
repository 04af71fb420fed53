"""The task: what the user asked, with everything that belongs to it."""

from typing import Literal

from pydantic import Field

from openswarm.core.contract import Contract
from openswarm.core.frozen import Frozen
from openswarm.core.limits import Limits
from openswarm.core.table import ConflictPolicy, Row
from openswarm.core.tooling import Verdict

Mode = Literal["auto", "instant", "thinking", "agent", "swarm"]
Effort = Literal["", "low", "medium", "high", "max"]
"""How much a model reasons; '' is its own default."""


class Task(Frozen):
    """One task, complete: a run needs nothing else from the user."""

    text: str = Field(min_length=1)
    mode: Mode = "auto"
    effort: Effort = ""
    """Of the root agent; `instant` does not reason."""
    model: str = ""
    """The orchestrator's model specification; '' for the default."""
    subagent_model: str = ""
    """The sub-agents' model specification; '' for the orchestrator's."""
    over: tuple[str, ...] = ()
    """Paths and addresses of the corpus."""
    attachments: tuple[str, ...] = ()
    """Paths of files that go into the first message."""
    tools: tuple[str, ...] = ()
    """Built-in tools, or sets of them such as `web`, beside those of the corpus."""
    roots: tuple[str, ...] = ()
    """Folders that the file tools may work in."""
    policy: dict[str, Verdict] = Field(default_factory=dict)
    """What tools may do, before what the settings say."""
    unsafe_no_sandbox: bool = False
    """Whether code runs with all rights of the user where there is no sandbox."""
    contract: Contract | None = None
    rows: tuple[Row, ...] = ()
    """Rows of the table that are given; their empty cells are the work."""
    conflicts: ConflictPolicy = "majority"
    """How different values for one cell are settled."""
    complete: bool = False
    """Whether what is missing after a stage is worked on once more."""
    limits: Limits = Limits()

"""The events of a run: a closed, tagged, frozen union. The journal is their only home.

Every event has the same envelope (`seq, at, run, agent, parent, type, v`), which the journal
stamps, and then its own fields. Text deltas and progress ticks are not events.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from openswarm.core.contract import Contract
from openswarm.core.envelope import BLOB as BLOB
from openswarm.core.envelope import FORMAT as FORMAT
from openswarm.core.envelope import ROOT as ROOT
from openswarm.core.envelope import Content, Event, FillReason, Picture
from openswarm.core.envelope import is_subagent as is_subagent
from openswarm.core.limits import Limits
from openswarm.core.messages import ToolCall, Usage
from openswarm.core.operations import Operation
from openswarm.core.result import Failure, Outcome
from openswarm.core.table import Cell, Conflict, Key, Place, Row
from openswarm.core.task import Task
from openswarm.core.tool_events import (
    ApprovalAsked,
    ApprovalGiven,
    ArtifactKept,
    ChangesMerged,
    PageFetched,
    ToolsOpened,
)


class RunStarted(Event):
    """A run began."""

    type: Literal["run_started"] = "run_started"
    task: Task
    model: str
    subagent_model: str
    openswarm: str
    """The version of openswarm that wrote it."""
    tools: tuple[str, ...] = ()
    """Names of the tools written in Python, so that a resume can name the missing ones."""


class Resumed(Event):
    """Another process took the run up again."""

    type: Literal["resumed"] = "resumed"


class ModeChosen(Event):
    """The mode of the run, and why."""

    type: Literal["mode_chosen"] = "mode_chosen"
    mode: str
    why: str
    width: int = 0
    """How many sub-agents were expected; 0 where it is no swarm."""
    by: str = ""
    """Who chose: `user`, `rules`, `classifier` or `model`; '' where it was not kept."""
    confidence: float | None = None
    """How sure the classifier was, from 0 to 1; None where it was not asked."""


class ContractDeclared(Event):
    """The table's definition was frozen."""

    type: Literal["contract_declared"] = "contract_declared"
    contract: Contract
    by: Literal["user", "orchestrator"]


class AgentCreated(Event):
    """A sub-agent configuration was registered."""

    type: Literal["agent_created"] = "agent_created"
    name: str
    system_prompt: Content
    tools: tuple[str, ...] | None = None
    model: str = ""


class TaskAssigned(Event):
    """A conversation begins: an assignment, or the run's own task for the root."""

    type: Literal["task_assigned"] = "task_assigned"
    name: str = ""
    """The configuration."""
    item: str = ""
    """The batch item; '' where there is none."""
    label: str = ""
    """What it is about, for people: the item, or the start of the brief."""
    call_id: str = ""
    """The orchestrator's call that asked for it."""
    index: int = 0
    """The position among the assignments of that call."""
    stage: int = 0
    system: Content
    brief: Content
    attachments: tuple[str, ...] = ()
    images: tuple[Picture, ...] = ()
    """Pictures that stand in the first message."""
    reason: FillReason = ""
    """Why openswarm itself assigned it, to work on cells of the table; '' where a model did."""
    key: tuple[str, ...] = ()
    """The row that it is about: the values of the key columns."""
    columns: tuple[str, ...] = ()
    """The columns that are asked beside the key; () asks all."""


class DocumentsOpened(Event):
    """Pages that fit an assignment were put before its first turn."""

    type: Literal["documents_opened"] = "documents_opened"
    sources: tuple[str, ...]
    text: Content


class Admitted(Event):
    """A sub-agent got its place and runs, or a suspended one goes on."""

    type: Literal["admitted"] = "admitted"


class Requeued(Event):
    """A sub-agent waits for the endpoint, with its context."""

    type: Literal["requeued"] = "requeued"
    reason: str
    wait_s: float = 0.0


class CapacityChanged(Event):
    """What a resource admits at once was found to be another number."""

    type: Literal["capacity_changed"] = "capacity_changed"
    resource: str
    capacity: int
    reason: str


class ModelReplied(Event):
    """A model's reply, paid for: it is durable before anything acts on it."""

    type: Literal["model_replied"] = "model_replied"
    model: str
    text: Content = Content()
    reasoning: Content = Content()
    signature: str = ""
    calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage()
    cost_usd: float | None = None
    finish: str = ""
    latency_s: float = 0.0
    final: bool = False
    """Asked for without tools, to hand back what there is."""
    trace: Content = Content()
    """Tokens and decisions of a policy that is trained, as JSON; empty for other models."""


class ToolCalled(Event):
    """A tool began to run."""

    type: Literal["tool_called"] = "tool_called"
    call_id: str
    name: str
    brief: str = ""
    """The start of its arguments, for people."""


class ToolReturned(Event):
    """A tool's result, as the model sees it."""

    type: Literal["tool_returned"] = "tool_returned"
    call_id: str
    name: str
    ok: bool
    text: Content
    closing: bool = False
    """The call ended the agent's work."""
    images: tuple[Picture, ...] = ()
    """What a model that reads images was shown beside the text."""


class Nudged(Event):
    """openswarm itself spoke to an agent: a repair, a request for a fuller report."""

    type: Literal["nudged"] = "nudged"
    text: str
    hand_back: str = ""
    """Why the agent is told to hand back what it has; '' for any other words."""


class Steered(Event):
    """Someone spoke to a running agent."""

    type: Literal["steered"] = "steered"
    text: str
    by: str
    request: str = ""


class ContextCompacted(Event):
    """A conversation was shortened; `blob` holds the messages that took its place."""

    type: Literal["context_compacted"] = "context_compacted"
    strategy: str
    messages_before: int
    messages_after: int
    conversation: Content
    usage: Usage = Usage()
    """What the summary itself used, where a model wrote one."""
    cost_usd: float | None = None


class ReportReceived(Event):
    """A sub-agent is done."""

    type: Literal["report_received"] = "report_received"
    outcome: Outcome
    why: str = ""
    text: Content = Content()
    rows: tuple[Row, ...] = ()
    steps: int = 0
    failure: Failure | None = None


class RowsMerged(Event):
    """A report went into the table; `rows` are the rows that are new or changed, whole."""

    type: Literal["rows_merged"] = "rows_merged"
    rows: tuple[Row, ...]
    places: tuple[Place, ...]
    """The place of each row in the table: assignment, then position in its report."""


class ConflictFound(Event):
    """Two sub-agents reported different values for one cell."""

    type: Literal["conflict_found"] = "conflict_found"
    key: Key
    column: str
    kept: Cell
    """The cell as it stands in the table."""
    other: Cell
    more: tuple[Cell, ...] = ()
    """Further values, where there are more than two."""
    rule: str


class GenerationStarted(Event):
    """A finished table is worked on again."""

    type: Literal["generation_started"] = "generation_started"
    number: int
    """Counted from 1; the run itself is generation 0."""
    operations: tuple[Operation, ...]
    wish: str = ""
    """What was asked for in words, where a model made the operations of it."""
    limits: Limits | None = None
    """The limits of the edit, where they are not those of the run."""
    by: str = "user"


class Edited(Event):
    """What an operation changed in the table at once, without work of sub-agents."""

    type: Literal["edited"] = "edited"
    operation: Operation
    contract: Contract | None = None
    """The contract from now on, where it changed."""
    renamed: dict[str, str] = Field(default_factory=dict)
    """Columns of the new contract that had another name, and which."""
    removed: tuple[Key, ...] = ()
    rows: tuple[Row, ...] = ()
    """Rows that are new or changed, whole."""
    places: tuple[Place, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    """Cells in which rows that became one differ."""


class Undone(Event):
    """A generation was taken back: contract, table and answer are what they were before it."""

    type: Literal["undone"] = "undone"
    generation: int
    by: str = "user"


class LimitHit(Event):
    """A limit ended something."""

    type: Literal["limit_hit"] = "limit_hit"
    limit: str
    message: str


class Cancelled(Event):
    """Work was stopped: `cancel` asks for what there is, `kill` does not wait."""

    type: Literal["cancelled"] = "cancelled"
    verb: Literal["cancel", "kill"]
    by: str
    request: str = ""


class Failed(Event):
    """Something crossed a boundary and broke."""

    type: Literal["failed"] = "failed"
    boundary: str
    kind: str
    message: str


class Answered(Event):
    """The run is over; the last event of a generation."""

    type: Literal["answered"] = "answered"
    outcome: Outcome
    why: str = ""
    text: Content


AnyEvent = Annotated[
    RunStarted | Resumed | ModeChosen | ToolsOpened | ContractDeclared | AgentCreated | TaskAssigned
    | DocumentsOpened | Admitted
    | Requeued | CapacityChanged | ModelReplied | ToolCalled | ToolReturned | Nudged | Steered
    | ApprovalAsked | ApprovalGiven | PageFetched | ArtifactKept | ChangesMerged
    | ContextCompacted | ReportReceived | RowsMerged | ConflictFound | GenerationStarted | Edited
    | Undone | LimitHit | Cancelled | Failed | Answered,
    Field(discriminator="type"),
]  # fmt: skip
EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
"""Reads one event of any type."""


def is_over(event: AnyEvent, before: bool) -> bool:
    """Whether a run is over after an event, `before` saying whether it was."""
    if isinstance(event, Answered | Undone):
        return True
    return before and not isinstance(event, Resumed | GenerationStarted)


@dataclass(frozen=True, slots=True)
class Tick:
    """A sign of life that is never written: text as it streams, progress of long work."""

    agent: str
    kind: Literal["text", "reasoning", "restart", "progress"]
    text: str = ""

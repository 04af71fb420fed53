"""What the runs API answers, as types; the document of the API is made of them."""

from typing import Literal

from openswarm.core.contract import Contract
from openswarm.core.envelope import Picture
from openswarm.core.events import AnyEvent
from openswarm.core.frozen import Frozen
from openswarm.core.limits import Limits
from openswarm.core.messages import ToolCall
from openswarm.core.operations import Operation
from openswarm.core.result import Artifact, Failure, Outcome, State
from openswarm.core.table import Cell
from openswarm.journal.index import RunSummary
from openswarm.modes.estimate import Estimate


class ErrorDetail(Frozen):
    """What went wrong."""

    message: str
    type: str
    """The boundary that was crossed: user, settings, journal, budget, model, …"""
    code: str


class Problem(Frozen):
    """The answer to a request that cannot be carried out."""

    error: ErrorDetail


class ToolInfo(Frozen):
    """A tool, or a set of tools, that a run can be given."""

    name: str
    description: str


class InfoLimits(Frozen):
    """The limits of a run that sets none."""

    defaults: Limits


class Info(Frozen):
    """What this server offers."""

    version: str
    model: str
    models: list[str]
    modes: list[str]
    tools: list[ToolInfo]
    limits: InfoLimits
    folders: list[str]
    """Where `over` and `roots` may lie."""
    preview_usd: float
    """From so many dollars on a run is asked about before it begins."""
    docs: bool
    """Whether there is a document of this API at `/openapi.json`."""


class Preview(Frozen):
    """How a task would be done."""

    mode: str
    width: int
    reason: str
    by: str
    estimate: Estimate
    ask: bool
    """Whether a person should see the estimate before the run begins."""


class RunStartedAnswer(Frozen):
    """A run that is at work."""

    run_id: str


class RunsAnswer(Frozen):
    """Runs, newest first."""

    runs: list[RunSummary]
    more: bool


class Tokens(Frozen):
    """Tokens of one reply or of many; the cached ones are among the input."""

    input: int
    output: int
    cached: int


class TaskAnswer(Frozen):
    """The task of a run."""

    text: str
    mode: str
    over: list[str]
    attachments: list[str]
    tools: list[str]
    roots: list[str]
    policy: dict[str, str]
    on_conflict: str
    complete: bool
    limits: Limits


class AgentAnswer(Frozen):
    """One agent as it stands."""

    path: str
    name: str
    item: str
    label: str
    state: State
    outcome: Outcome | None
    why: str
    steps: int
    tool_calls: int
    tokens: Tokens
    cost_usd: float | None
    last_action: str
    assigned_at: float
    started_at: float | None
    ended_at: float | None
    stage: int
    generation: int


class StatsAnswer(Frozen):
    """The figures of a run."""

    sub_agents: int
    stages: int
    critical_steps: int
    total_steps: int
    parallelism: float
    max_in_flight: int
    tokens: Tokens
    cost_usd: float | None
    wall_s: float


class CitationAnswer(Frozen):
    """A mark in an answer (`[c1]`) and the cell that it stands for."""

    number: int
    row: str
    column: str


class RowAnswer(Frozen):
    """A row of the table."""

    name: str
    """Its key as it is shown."""
    cells: dict[str, Cell]


class ConflictAnswer(Frozen):
    """Different values for one cell."""

    row: str
    column: str
    kept: Cell
    others: list[Cell]
    rule: str


class ApprovalAnswer(Frozen):
    """A question that waits for an answer."""

    id: str
    agent: str
    tool: str
    command: str
    directory: str


class GenerationAnswer(Frozen):
    """An edit of the table."""

    number: int
    operations: list[str]
    wish: str
    undone: bool


class Snapshot(Frozen):
    """A run as it stood after the event `as_of_seq`; events go on from there."""

    run_id: str
    as_of_seq: int
    alive: bool
    here: bool
    """Whether this server carries it out."""
    task: TaskAnswer
    model: str
    subagent_model: str
    mode: str
    mode_reason: str
    width: int
    outcome: Outcome | None
    why: str
    answer: str
    citations: list[CitationAnswer]
    started_at: float
    last_at: float
    worked_s: float
    agents: list[AgentAnswer]
    stats: StatsAnswer
    critical_path: list[str]
    """The longest sub-agent of each stage, in order."""
    contract: Contract | None
    rows: list[RowAnswer]
    conflicts: list[ConflictAnswer]
    approvals: list[ApprovalAnswer]
    artifacts: list[Artifact]
    failures: list[Failure]
    generations: list[GenerationAnswer]
    capacity: dict[str, int]
    sandbox: str


class EventsPage(Frozen):
    """Events as they stand in the journal."""

    events: list[AnyEvent]
    last_seq: int
    """The number of the last event of this page; that of `after` where there is none."""
    complete: bool
    """Whether these are all that there are so far."""


class Turn(Frozen):
    """One thing that was said in a conversation."""

    seq: int
    at: float
    role: Literal["assistant", "tool", "user", "openswarm"]
    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    name: str = ""
    """Of a tool's result: the tool."""
    ok: bool = True
    tokens: Tokens | None = None
    cost_usd: float | None = None
    images: tuple[Picture, ...] = ()
    cut: bool = False
    """Whether a text of it is longer than is shown."""


class Transcript(Frozen):
    """The conversation of one agent."""

    agent: str
    system: str
    brief: str
    turns: list[Turn]


class Requested(Frozen):
    """A request that was left for a run."""

    request: str
    seq: int | None
    """The event that answers it; null if none came in time, and the request stays."""


class Proposal(Frozen):
    """What an edit would do."""

    operations: list[Operation]
    describe: list[str]
    changes: list[str]
    """What changes at once, without work of sub-agents."""
    cells: int
    """Cells that sub-agents would work on."""
    rows: int
    """Rows that these cells are of."""


class EditAnswer(Frozen):
    """A generation of a run."""

    run_id: str
    generation: int


class AskAnswer(Frozen):
    """What a question about a run came to."""

    text: str
    citations: list[CitationAnswer]
    unsupported: list[str]
    cost_usd: float | None


class StreamEnd(Frozen):
    """The last event of a stream: the run is over, or nobody carries it out."""

    outcome: str
    alive: bool = False

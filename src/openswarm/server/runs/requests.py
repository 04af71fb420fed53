"""What clients send to the runs API: bodies and queries, strict and bounded.

Unknown fields are refused, so that a misspelt limit is never passed over in silence.
"""

from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from openswarm.core.limits import Limits
from openswarm.core.operations import Operation
from openswarm.core.table import ConflictPolicy
from openswarm.core.task import Effort, Mode
from openswarm.core.tooling import Verdict
from openswarm.server.failures import bad_request

MAX_TEXT = 1_000_000
Path = Annotated[str, Field(min_length=1, max_length=4000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
AgentPath = Annotated[str, Field(min_length=1, max_length=200)]


class Sent(BaseModel):
    """A body or a query."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=Sent)


class RunLimits(Sent):
    """The limits that a client sets; what is left out, or null, stays the server's."""

    max_subagents: int | None = None
    max_parallel: int | None = None
    usd: float | None = None
    tokens: int | None = None
    wall_s: float | None = None
    subagent_wall_s: float | None = None
    steps: int | None = None
    critical_steps: int | None = None
    orchestrator_steps: int | None = None
    subagent_steps: int | None = None

    def over(self, base: Limits) -> Limits:
        """`base` with these in it. Raises `ApiError` for one that is out of its range."""
        try:
            return Limits.model_validate(base.model_dump() | self.model_dump(exclude_none=True))
        except ValidationError as error:
            raise _refusal(error, "limits") from None


class RunRequest(Sent):
    """A run to be begun, or to be previewed."""

    task: str = Field(min_length=1, max_length=MAX_TEXT)
    mode: Mode = "auto"
    effort: Effort = ""
    """How much the root agent reasons; '' is the model's own."""
    model: str = Field("", max_length=400)
    """One of those of `/api/info`; '' is the server's default."""
    subagent_model: str = Field("", max_length=400)
    over: list[Path] = Field([], max_length=100)
    """Paths in the server's folders, addresses, and ids of uploaded files."""
    tools: list[Name] = Field([], max_length=50)
    roots: list[Path] = Field([], max_length=50)
    policy: dict[Name, Verdict] = Field({}, max_length=200)
    columns: str = Field("", max_length=100_000)
    """A contract in words: `name (type, unit): definition; …`."""
    key: list[Name] = Field([], max_length=60)
    table: str = Field("", max_length=200)
    """The id of an uploaded file with rows."""
    attachments: list[Name] = Field([], max_length=50)
    """Ids of uploaded files that go into the first message."""
    complete: bool = False
    on_conflict: ConflictPolicy = "majority"
    attended: bool = True
    """Whether somebody answers questions of the approval queue; otherwise they are denied."""
    limits: RunLimits = RunLimits()


class ResumeRequest(Sent):
    """How a run is gone on with."""

    limits: RunLimits | None = None
    attended: bool = True


class SteerRequest(Sent):
    """Words for an agent."""

    agent: AgentPath = "root"
    text: str = Field(min_length=1, max_length=32_000)


class StopRequest(Sent):
    """Which agent is to stop."""

    agent: AgentPath = "root"


class ApprovalRequest(Sent):
    """The answer to a question of the approval queue."""

    answer: Literal["allow", "always", "deny"]


class ProposalRequest(Sent):
    """Operations, or a wish in words of which the model makes operations."""

    operations: list[Operation] = Field([], max_length=200)
    wish: str = Field("", max_length=10_000)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.operations) == bool(self.wish.strip()):
            raise ValueError("give operations, or a wish in words, and not both")
        return self


class EditRequest(ProposalRequest):
    """An edit of a finished table."""

    limits: RunLimits | None = None


class QuestionRequest(Sent):
    """A question about a finished run."""

    question: str = Field(min_length=1, max_length=32_000)


class RunsQuery(Sent):
    """Which runs are listed."""

    limit: int = Field(200, ge=1, le=1000)
    before: str = Field("", max_length=120)
    """The id of a run: only older ones are listed."""


class EventsQuery(Sent):
    """Where a stream of events begins."""

    after: str = Field("", max_length=40)
    """A sequence number; what is no such number means the start."""


class PageQuery(Sent):
    """Which events are wanted."""

    after: int = Field(0, ge=0)
    limit: int = Field(2000, ge=1, le=10_000)


class AgentQuery(Sent):
    """Whose transcript is wanted."""

    agent: AgentPath = "root"


class BlobQuery(Sent):
    """As what a blob is wanted."""

    type: str = Field("", max_length=100)


class ExportQuery(Sent):
    """The format of a file."""

    format: Literal["csv", "xlsx", "json", "md", "parquet", "zip"]


def body_of(kind: type[S], data: bytes) -> S:
    """The body of a request; one that is empty has all defaults. Raises `ApiError`."""
    try:
        return kind.model_validate_json(data or b"{}", strict=True)
    except ValidationError as error:
        raise _refusal(error) from None


def query_of(kind: type[S], given: dict[str, str]) -> S:
    """The query of a request. Raises `ApiError`."""
    try:
        return kind.model_validate_strings(given)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError, inside: str = "") -> Exception:
    """What is wrong, with the name of the field: `limits.usd`, `over[3]`."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = inside
    for part in first["loc"]:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "json_invalid":
        return bad_request(f"the body is not JSON: {message}")
    if first["type"] == "extra_forbidden":
        message = "there is no such field"
    return bad_request(f"{field[:200]}: {message}" if field else message, field[:200] or None)

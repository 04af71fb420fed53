"""A span that is not over yet: what is gathered until it is, and how it becomes a value."""

from dataclasses import dataclass, field
from typing import Literal

from openswarm.core.messages import Usage
from openswarm.journal.span_words import Made, spent
from openswarm.journal.spans import MAX_EVENTS, Span, SpanEvent, cleaned

Role = Literal["work", "agent", "call", "reply"]

UNFINISHED = "swarm.unfinished"
"""Marks what had not ended when the journal did, or when what it lies in was over."""


@dataclass(slots=True, eq=False)
class Draft:
    """One span in the making. Its children are those that are not over either."""

    role: Role
    """`work` is a run or an edit of it."""
    name: str
    span_id: str
    parent: "Draft | None"
    start: float
    attributes: Made
    path: str = ""
    """The agent that it is, or that it is a reply or a call of."""
    call_id: str = ""
    spec: str = ""
    """The specification of an agent's model."""
    end: float | None = None
    """Set where it may be over, but can still go on."""
    last: float = 0.0
    """When the last thing in it happened."""
    last_seq: int = 0
    """The number of the last event in it."""
    error: str = ""
    message: str = ""
    links: tuple[str, ...] = ()
    events: list[SpanEvent] = field(default_factory=list)
    dropped: int = 0
    children: dict[str, "Draft"] = field(default_factory=dict)
    """By span id, in the order in which they began."""
    usage: Usage = Usage()
    cost_usd: float | None = None
    steps: int = 0

    def note(self, name: str, at: float, attributes: Made) -> None:
        """Something happened in it; nothing happens in what is over."""
        if self.end is not None:
            return
        if len(self.events) < MAX_EVENTS:
            self.events.append(SpanEvent(f"swarm.{name}", at, cleaned(attributes)))
        else:
            self.dropped += 1

    @property
    def depth(self) -> int:
        """How many spans it lies in."""
        return self.parent.depth + 1 if self.parent else 0

    @property
    def top(self) -> "Draft":
        """The run, the edit or the agent beside it that it lies in, or is."""
        return self.parent.top if self.parent else self

    def touch(self, at: float, seq: int) -> None:
        """Something happened in it, and so in all that it lies in."""
        self.last, self.last_seq = at, seq
        if self.parent is not None:
            self.parent.touch(at, seq)

    def spend(self, usage: Usage, cost_usd: float | None, steps: int) -> None:
        """It paid for something, and so did the run or edit that it lies in."""
        self.usage += usage
        self.steps += steps
        if cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + cost_usd
        if self.parent is not None:
            self.top.spend(usage, cost_usd, steps)

    def fail(self, error: str, message: str = "") -> None:
        """It ended with an error."""
        self.error, self.message = error, message

    def succeed(self) -> None:
        """It goes on after an error."""
        self.error = self.message = ""
        self.attributes.pop("swarm.boundary", None)

    def finished(self, trace_id: str, end: float) -> Span:
        """The span, now that it is over."""
        more: Made = {"error.type": self.error, "swarm.dropped_events": self.dropped or None}
        if self.role in ("work", "agent"):
            more |= spent(self.usage, self.cost_usd, self.steps)
        return Span(
            name=self.name,
            kind="client" if self.role == "reply" else "internal",
            trace_id=trace_id,
            span_id=self.span_id,
            parent_id=self.parent.span_id if self.parent else "",
            top_id=self.top.span_id,
            start=self.start,
            end=max(self.start, end),
            attributes=cleaned(self.attributes | more),
            events=tuple(self.events),
            error=self.error,
            message=self.message,
            links=self.links,
            last_seq=self.last_seq,
        )

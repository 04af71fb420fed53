"""Views of a run as tables and lines: agents, costs, events."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openswarm.cli.followed import Followed
from openswarm.cli.screen import STYLE
from openswarm.cli.text import dollars, duration, one_line, tokens
from openswarm.core.events import (
    ROOT,
    AnyEvent,
    Content,
    ContextCompacted,
    Event,
    ModelReplied,
    RunStarted,
    TaskAssigned,
)
from openswarm.core.messages import Usage

EVENT_CHARS = 400


def grid(page: Console, left: Sequence[str], right: Sequence[str], last: str = "") -> Table:
    """An empty table: columns of text, columns of figures, one of text that may be cut."""
    terminal = page.is_terminal
    made = Table(
        box=box.SIMPLE_HEAD if terminal else box.MARKDOWN,
        show_edge=not terminal,
        header_style="bold",
    )
    for name in left:
        made.add_column(name, no_wrap=terminal, overflow="ellipsis")
    for name in right:
        made.add_column(name, justify="right", no_wrap=True)
    if last:
        made.add_column(last, no_wrap=terminal, overflow="ellipsis")
    return made


def agents_grid(followed: Followed, page: Console) -> Table:
    """Every agent of a run, in the order of assignment."""
    left = ("agent", "configuration", "about", "state", "outcome")
    made = grid(page, left, ("stage", "steps", "calls", "tokens", "cost", "time"), "why")
    for agent in followed.view.agents.values():
        style = STYLE[agent.outcome or agent.state]
        started, ended = agent.started_at, agent.ended_at or followed.view.last_at
        made.add_row(
            Text(agent.path),
            Text(one_line(agent.name or ("orchestrator" if agent.path == ROOT else ""), 60)),
            Text(one_line(agent.label, 60)),
            Text(agent.state, style),
            Text(agent.outcome or "", style),
            str(agent.stage or ""),
            str(agent.steps),
            str(agent.tool_calls),
            tokens(agent.usage.total_tokens),
            dollars(agent.cost_usd),
            duration(ended - started) if started else "",
            Text(one_line(agent.why)),
        )
    return made


@dataclass(slots=True)
class _Bill:
    replies: int = 0
    usage: Usage = Usage()
    cost_usd: float | None = None

    def add(self, event: ModelReplied | ContextCompacted) -> None:
        self.replies += 1
        self.usage += event.usage
        if event.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + event.cost_usd


def cost_grid(events: Sequence[AnyEvent], page: Console) -> Table:
    """What each configuration used of each model, and the sum."""
    names: dict[str, str] = {}
    bills: dict[tuple[str, str], _Bill] = {}
    total = _Bill()
    for event in events:
        match event:
            case TaskAssigned():
                names[event.agent] = event.name
            case ModelReplied() | ContextCompacted():
                who = "orchestrator" if event.agent == ROOT else names.get(event.agent, "")
                model = event.model if isinstance(event, ModelReplied) else event.strategy
                bills.setdefault((who, model), _Bill()).add(event)
                total.add(event)
            case _:
                pass
    figures = ("replies", "input", "cached", "output", "cost")
    made = grid(page, ("configuration", "model"), figures)
    for (who, model), bill in sorted(bills.items(), key=lambda entry: -entry[1].usage.total_tokens):
        made.add_row(Text(one_line(who, 60)), Text(one_line(model, 60)), *_figures(bill))
    made.add_section()
    made.add_row("all", "", *_figures(total))
    return made


def _figures(bill: _Bill) -> Iterator[str]:
    yield f"{bill.replies:,}"
    yield tokens(bill.usage.input_tokens)
    yield tokens(bill.usage.cached_tokens)
    yield tokens(bill.usage.output_tokens)
    yield dollars(bill.cost_usd)


def event_lines(events: Sequence[AnyEvent]) -> Iterator[str]:
    """The journal: number, seconds since the start, agent, type, and the event's own fields."""
    start = next((event.at for event in events if isinstance(event, RunStarted)), 0.0)
    envelope = {*Event.model_fields, "type"}
    for event in events:
        own = event.model_dump(exclude=envelope, exclude_defaults=True)
        fields = " ".join(f"{name}={one_line(_shown(value), 120)}" for name, value in own.items())
        head = f"{event.seq:>5} {event.at - start:8.2f}  {event.agent:<10} {event.type:<18}"
        yield f"{head} {one_line(fields, EVENT_CHARS)}"


def _shown(value: Any) -> str:
    """A field's value; text that was kept is shown as the text, or as the name of its blob."""
    if isinstance(value, dict) and value.keys() <= Content.model_fields.keys():
        blob = value.get("blob", "")[:12]
        return f"blob:{blob}" if blob else json.dumps(value.get("text", ""), ensure_ascii=False)
    return str(value)

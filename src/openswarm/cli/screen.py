"""A run as one screen: header, budget, a bar of the sub-agents, the table of agents.

Pure drawing: a `Followed` and a size go in, a renderable comes out. All text of models and
documents goes through `one_line` into `Text`, which reads no markup.
"""

import heapq
from collections import Counter
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.text import Text

from openswarm.cli.columns import GAP, Cell, Column, Columns
from openswarm.cli.followed import Followed, about
from openswarm.cli.text import call_words, count, dollars, duration, one_line, tokens
from openswarm.core.events import ROOT
from openswarm.core.operations import describe
from openswarm.journal.fold import AgentView

STYLE = {
    "queued": "dim",
    "running": "cyan",
    "suspended": "yellow",
    "stopping": "yellow",
    "done": "",
    "completed": "green",
    "partial": "yellow",
    "failed": "red",
    "cancelled": "yellow",
    "empty": "yellow",
}
_FIRST = {"running": 0, "stopping": 1, "suspended": 2, "done": 3, "queued": 4}
_BAR = ("completed", "partial", "empty", "cancelled", "failed", "running", "stopping", "suspended")
TABLE_FRAME = 5
"""Lines that agents cannot have: a space, the header, what does not fit, and two at the end, where
the cursor stands and where the shell goes on."""
HINT = "y allow · a always allow this tool · n deny"
COMMAND_LINES, COMMAND_CHARS = 6, 2_000
"""How much of a command is shown that waits to be allowed."""
ANSWER_LINES = 6
NOTICE_LINES = 4
ANSWER_CHARS = 1200


def screen(followed: Followed, console: Console, now: float, notice: str = "") -> RenderableType:
    """The run as it stands at `now` (seconds since the epoch), made to fit the console."""
    width, height = console.size
    counts = followed.counts()
    head: list[RenderableType] = [
        *_header(followed),
        _budget(followed, now),
        *_capacity(followed),
        *_notice(notice, width),
        *_approvals(followed, console),
        *_states(followed, counts, width),
    ]
    foot = _foot(followed, console)
    room = max(0, height - len(head) - len(foot) - TABLE_FRAME)
    # the last line stays empty: what a terminal echoes, such as ^C, lands there, shifting nothing
    return Group(*head, *_agents(followed, room, width), *foot, Text())


def _notice(notice: str, width: int) -> list[Text]:
    """What is said, over as many lines as it takes: an address has to be whole to be opened."""
    starts = range(0, min(len(notice), NOTICE_LINES * width), width)
    return [Text(notice[at : at + width], "bold yellow", no_wrap=True) for at in starts]


def _header(followed: Followed) -> list[Text]:
    view = followed.view
    first = Text(no_wrap=True, overflow="ellipsis")
    first.append("openswarm ", "bold")
    first.append(view.run_id or "starting")
    if view.mode:
        first.append(f"  {view.mode}", "bold cyan")
        first.append(f"  {one_line(view.mode_reason)}", "dim")
    task = Text(no_wrap=True, overflow="ellipsis")
    if view.edit is not None:
        made = "; ".join(describe(operation) for operation in view.edit.operations)
        task.append(f"edit {view.edit.number}: {one_line(made)}")
    else:
        task.append(one_line(view.task.text) if view.task else "")
    return [first, task]


def _budget(followed: Followed, now: float) -> Text:
    view, stages, limits = followed.view, followed.stages, followed.limits
    used = [
        _of(duration(followed.elapsed(now)), duration(limits.wall_s)),
        _of(dollars(view.cost_usd), limits.usd and dollars(limits.usd))
        if view.cost_usd is not None
        else "",
        _of(f"{tokens(view.usage.total_tokens)} tokens", limits.tokens and tokens(limits.tokens)),
        _of(count(stages.total_steps, "step"), limits.steps),
        _of(f"{stages.critical_steps} critical", limits.critical_steps),
        one_line(view.model, 60),
    ]
    line = Text(" · ".join(part for part in used if part), no_wrap=True, overflow="ellipsis")
    line.stylize("dim")
    return line


def _of(used: str, ceiling: object) -> str:
    return f"{used} of {ceiling}" if ceiling else used


def _capacity(followed: Followed) -> list[Text]:
    found = followed.view.capacity
    if not found:
        return []
    parts = (f"{one_line(name, 60)} admits {limit} at once" for name, limit in found.items())
    return [Text(" · ".join(parts), "yellow", no_wrap=True, overflow="ellipsis")]


def _approvals(followed: Followed, console: Console) -> list[Text]:
    """The question that a key answers, its command in full view, and how many wait behind it."""
    waiting = list(followed.view.approvals.values())
    if not waiting:
        return []
    asked = waiting[0]
    first = Text()
    first.append(f"approval {asked.id}", "bold yellow")
    first.append(f"  {asked.agent} {asked.tool}", "yellow")
    first.append(f"  {one_line(' '.join(asked.command.split()), COMMAND_CHARS)}")
    lines = first.wrap(console, console.width)
    if len(lines) > COMMAND_LINES:
        cut = f"… the rest: openswarm approvals {followed.view.run_id}"
        lines = [*lines[: COMMAND_LINES - 1], Text(cut, "yellow")]
    more = f"{len(waiting) - 1} more · " if len(waiting) > 1 else ""
    where = f"in {one_line(asked.directory)} · " if asked.directory else ""
    run = followed.view.run_id
    last = f"{where}{more}{HINT} · or: openswarm approve {run} {asked.id}"
    return [Text(), *lines, Text(last, "dim", no_wrap=True, overflow="ellipsis")]


def _states(followed: Followed, counts: Counter[str], width: int) -> list[Text]:
    agents = followed.at_work
    if not agents:
        return []
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{count(len(agents), 'sub-agent')}  ", "bold")
    for name in ("running", "suspended", "stopping", "queued", *_BAR[:5]):
        if counts[name]:
            line.append(f"{counts[name]} {name}  ", STYLE[name])
    if followed.view.contract is not None:
        rows = f"{followed.view.num_rows} of {followed.expected_rows()} rows"
        line.append(rows, "bold")
    return [Text(), line, _bar(counts, len(agents), width)]


def _bar(counts: Counter[str], agents: int, width: int) -> Text:
    """A line as wide as the screen, each sub-agent its share, in the colour of what it is."""
    bar = Text(no_wrap=True)
    seen = drawn = 0
    for name in _BAR:
        seen += counts[name]
        end = round(width * seen / agents)
        bar.append("━" * (end - drawn), STYLE[name])
        drawn = end
    bar.append("━" * (width - drawn), "bright_black")
    return bar


def _agents(followed: Followed, room: int, width: int) -> Iterator[RenderableType]:
    agents = _shown_agents(followed)
    shown = heapq.nsmallest(room, agents.values(), key=_rank)
    if not shown:
        return
    yield Text()
    yield Columns(_columns(shown, width), (_agent(agent, followed) for agent in shown))
    if len(agents) > len(shown):
        yield _more(followed, shown)


def _shown_agents(followed: Followed) -> dict[str, AgentView]:
    """All agents; while an edit is at work, its sub-agents."""
    if followed.view.edit is None:
        return followed.view.agents
    return {agent.path: agent for agent in followed.at_work}


def _columns(shown: list[AgentView], width: int) -> list[Column]:
    """The figures have their width; what is left goes to what is read."""
    path = max(len("agent"), *(len(agent.path) for agent in shown))
    left = max(0, width - path - 9 - 9 - 5 - 6 - 7 - 7 * len(GAP))
    about = max(12, min(left // 3, 40))
    return [
        Column("agent", path),
        Column("about", about),
        Column("state", 9),
        Column("outcome", 9),
        Column("steps", 5, right=True),
        Column("tokens", 6, right=True),
        Column("cost", 7, right=True),
        Column("last action", max(0, left - about)),
    ]


def _rank(agent: AgentView) -> tuple[int, float]:
    """The orchestrator, what works, what ended last, what waits."""
    if agent.path == ROOT:
        return -1, 0.0
    at = -(agent.ended_at or 0.0) if agent.state == "done" else agent.assigned_at
    return _FIRST[agent.state], at


def _agent(agent: AgentView, followed: Followed) -> Iterator[Cell]:
    outcome = agent.outcome or ""
    yield Cell(agent.path, STYLE[agent.state])
    yield Cell(one_line(about(agent), 60), STYLE[agent.state])
    yield Cell(agent.state, STYLE[agent.state])
    yield Cell(outcome, STYLE.get(outcome, ""))
    yield Cell(str(agent.steps or ""))
    yield Cell(tokens(agent.usage.total_tokens) if agent.steps else "")
    yield Cell(dollars(agent.cost_usd) if agent.cost_usd is not None else "")
    yield Cell(_action(agent, followed.writing.get(agent.path, "")), "dim")


def _action(agent: AgentView, writing: str) -> str:
    """Why it stands or ended, what it writes, or what it did last."""
    if agent.why and (agent.state == "suspended" or agent.outcome not in (None, "completed")):
        return one_line(agent.why)
    return f"writes: {one_line(writing[-80:])}" if writing else call_words(agent.last_action)


def _more(followed: Followed, shown: list[AgentView]) -> Text:
    paths = {agent.path for agent in shown}
    rest = [agent for path, agent in _shown_agents(followed).items() if path not in paths]
    by_state = Counter(agent.state for agent in rest).most_common()
    parts = ", ".join(f"{number} {state}" for state, number in by_state)
    return Text(f"… {len(rest)} more: {parts}", "dim")


def _foot(followed: Followed, console: Console) -> list[Text]:
    """The progress of long work, and the end of what the orchestrator writes."""
    lines = [Text(f"⋯ {one_line(followed.progress)}", "cyan")] if followed.progress else []
    writing = followed.writing.get(ROOT, "")
    if writing and not followed.view.sub_agents:
        text = Text(one_line(writing[-ANSWER_CHARS:], ANSWER_CHARS))
        lines += [Text(), *text.wrap(console, console.width)[-ANSWER_LINES:]]
    return lines

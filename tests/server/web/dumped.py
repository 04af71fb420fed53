"""Python's folds of a run as plain data, in the form that `dump.js` gives those of the web view."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openswarm.cli.followed import Followed
from openswarm.core.events import AnyEvent, Content
from openswarm.core.messages import Usage
from openswarm.core.result import Failure
from openswarm.core.table import Cell
from openswarm.journal.fold import AgentView, Generation, RunView
from openswarm.server.runs.snapshot import critical_path


def dumped_each(events: Sequence[AnyEvent]) -> list[dict[str, Any]]:
    """The state after each event."""
    return list(dumped_at(events, range(1, len(events) + 1)).values())


def dumped_at(events: Sequence[AnyEvent], numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The state after these events, by their numbers, counted from 1."""
    wanted, followed, dumps = set(numbers), Followed(), {}
    for number, event in enumerate(events, 1):
        followed.take(event)
        if number in wanted:
            dumps[number] = dumped(followed)
    return dumps


def dumped(followed: Followed) -> dict[str, Any]:
    """The state as it stands."""
    view, stages, tables = followed.view, followed.stages, followed.view.tables
    contract = view.contract
    return {
        "seq": view.seq,
        "run": view.run_id,
        "task": view.task.text if view.task else None,
        "models": [view.model, view.subagent_model],
        "tools": list(view.tools),
        "mode": [view.mode, view.mode_reason],
        "ended": _ending(view),
        "sandbox": view.sandbox,
        "times": [
            view.started_at, view.last_at, view.worked_s, view.working_since, followed.elapsed()
        ],
        "capacity": dict(view.capacity),
        "approvals": list(view.approvals),
        "denied": [asked.id for asked in view.denied],
        "artifacts": [kept.name for kept in view.artifacts],
        "changes": len(view.changes),
        "limits_hit": len(view.limits_hit),
        "agents": [_agent(agent) for agent in view.agents.values()],
        "sub_agents": [agent.path for agent in view.sub_agents],
        "usage": _usage(view.usage),
        "cost": view.cost_usd,
        "edit": view.edit.number if view.edit else None,
        "generations": [[g.started.number, g.undone, *_ending(g)] for g in view.generations],
        "contract": [list(contract.names), list(contract.key)] if contract else None,
        "rows": [[_cell(*named) for named in row.cells.items()] for row in view.rows],
        "keys": _keys(tables.placed),
        "base": _keys(tables.base),
        "before": _keys(tables.before),
        "expected": [list(entry) for entry in tables.expected.items()],
        "generation": tables.generation,
        "conflicts": [
            [list(c.key), c.column, c.kept.value, [other.value for other in c.others], c.rule]
            for c in view.conflicts
        ],
        "stages": [[stage, list(paths)] for stage, paths in stages.stages.items()],
        "steps": [
            stages.main_steps, stages.critical_steps, stages.total_steps, stages.max_in_flight
        ],
        "parallelism": stages.parallelism,
        "critical_path": critical_path(stages),
    }  # fmt: skip


def rounded(value: Any) -> Any:
    """The same data with numbers to nine digits: two languages may add up in another order."""
    match value:
        case float():
            return round(value, 9)
        case dict():
            return {name: rounded(entry) for name, entry in value.items()}
        case list() | tuple():
            return [rounded(entry) for entry in value]
    return value


def _ending(of: RunView | Generation) -> list[Any]:
    return [of.outcome, of.why, _content(of.answer), _failures(of.failures)]


def _content(content: Content) -> list[str]:
    return [content.text, content.blob]


def _failures(failures: Sequence[Failure]) -> list[list[str]]:
    return [[each.agent, each.boundary, each.kind, each.message] for each in failures]


def _agent(agent: AgentView) -> list[Any]:
    return [
        agent.path, agent.name, agent.item, agent.label,
        agent.state, agent.outcome, agent.why, agent.steps, agent.tool_calls, agent.cost_usd,
        agent.last_action, _usage(agent.usage), agent.assigned_at, agent.started_at,
        agent.ended_at, agent.stage, agent.generation,
    ]  # fmt: skip


def _cell(name: str, cell: Cell) -> list[str]:
    return [name, cell.value, cell.source, cell.quote, cell.agent, cell.confidence, cell.state]


def _usage(usage: Usage) -> list[int]:
    return [usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.written_tokens]


def _keys(rows: Mapping[tuple[str, ...], object]) -> list[list[str]]:
    return [list(key) for key in rows]

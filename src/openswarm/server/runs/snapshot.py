"""A run as one document: what the folds over its journal say, as of one sequence number."""

from collections.abc import Iterable

from openswarm.core.messages import Usage
from openswarm.core.operations import describe
from openswarm.core.result import Citation
from openswarm.core.table import Conflict, Table
from openswarm.core.task import Task
from openswarm.journal.fold import AgentView, Generation, RunView
from openswarm.server.runs.answers import (
    AgentAnswer,
    ApprovalAnswer,
    CitationAnswer,
    ConflictAnswer,
    GenerationAnswer,
    RowAnswer,
    Snapshot,
    StatsAnswer,
    TaskAnswer,
    Tokens,
)
from openswarm.server.runs.reading import Reading
from openswarm.swarm.stages import Stages


def snapshot_json(run: Reading, *, alive: bool, here: bool, now: float) -> bytes:
    """The snapshot of a run; kept until its journal grows. Blocks. Raises `JournalError`."""
    name = f"snapshot {alive} {here}"
    if name not in run.kept:
        snapshot = snapshot_of(run, alive=alive, here=here, now=now)
        run.kept[name] = snapshot.model_dump_json().encode()
    return run.kept[name]


def snapshot_of(run: Reading, *, alive: bool, here: bool, now: float) -> Snapshot:
    """The run as it stands; `now` is the time, for a run that is at work."""
    view = run.view
    task, table = view.task, view.table
    assert task is not None
    result = run.result()
    worked_s = run.worked_s(now if alive else view.last_at)
    return Snapshot(
        run_id=run.folder.name,
        as_of_seq=view.seq,
        alive=alive,
        here=here,
        task=_task(task),
        model=view.model,
        subagent_model=view.subagent_model,
        mode=view.mode,
        mode_reason=view.mode_reason,
        width=run.width,
        outcome=view.outcome,
        why=view.why,
        answer=result.answer,
        citations=citations_of(result.citations),
        started_at=view.started_at,
        last_at=view.last_at,
        worked_s=worked_s,
        agents=[_agent(agent) for agent in view.agents.values()],
        stats=_stats(run, worked_s),
        critical_path=critical_path(run.stages),
        contract=view.contract,
        rows=_rows(table) if table is not None else [],
        conflicts=_conflicts(table) if table is not None else [],
        approvals=_approvals(view),
        artifacts=list(result.artifacts),
        failures=view.failures,
        generations=[_generation(generation) for generation in view.generations],
        capacity=view.capacity,
        sandbox=view.sandbox,
    )


def critical_path(stages: Stages) -> list[str]:
    """The sub-agent of each stage with the most steps, the first of several."""
    return [max(paths, key=stages.steps.__getitem__) for paths in stages.stages.values()]


def citations_of(citations: Iterable[Citation]) -> list[CitationAnswer]:
    """The marks of an answer and where their cells are."""
    return [
        CitationAnswer(number=cited.number, row=cited.row, column=cited.column)
        for cited in citations
    ]


def tokens_of(usage: Usage) -> Tokens:
    """Tokens as the API says them."""
    return Tokens(input=usage.input_tokens, output=usage.output_tokens, cached=usage.cached_tokens)


def _task(task: Task) -> TaskAnswer:
    same = ("text", "mode", "over", "attachments", "tools", "roots", "policy", "complete", "limits")
    return TaskAnswer(on_conflict=task.conflicts, **{name: getattr(task, name) for name in same})


def _agent(agent: AgentView) -> AgentAnswer:
    same = {name: getattr(agent, name) for name in AgentAnswer.model_fields if name != "tokens"}
    return AgentAnswer(tokens=tokens_of(agent.usage), **same)


def _stats(run: Reading, worked_s: float) -> StatsAnswer:
    view, stages = run.view, run.stages
    return StatsAnswer(
        sub_agents=len(view.sub_agents),
        stages=len(stages.stages),
        critical_steps=stages.critical_steps,
        total_steps=stages.total_steps,
        parallelism=round(stages.parallelism, 2),
        max_in_flight=stages.max_in_flight,
        tokens=tokens_of(view.usage),
        cost_usd=view.cost_usd,
        wall_s=round(worked_s, 3),
    )


def _rows(table: Table) -> list[RowAnswer]:
    return [RowAnswer(name=row.name(table.contract), cells=row.cells) for row in table.rows]


def _conflicts(table: Table) -> list[ConflictAnswer]:
    names = {row.key(table.contract): row.name(table.contract) for row in table.rows}
    return [_conflict(conflict, names) for conflict in table.conflicts]


def _conflict(conflict: Conflict, names: dict[tuple[str, ...], str]) -> ConflictAnswer:
    return ConflictAnswer(
        row=names.get(conflict.key, " / ".join(conflict.key)),
        column=conflict.column,
        kept=conflict.kept,
        others=list(conflict.others),
        rule=conflict.rule,
    )


def _approvals(view: RunView) -> list[ApprovalAnswer]:
    fields = ApprovalAnswer.model_fields
    return [
        ApprovalAnswer(**{name: getattr(asked, name) for name in fields})
        for asked in view.approvals.values()
    ]


def _generation(generation: Generation) -> GenerationAnswer:
    started = generation.started
    return GenerationAnswer(
        number=started.number,
        operations=[describe(operation) for operation in started.operations],
        wish=started.wish,
        undone=generation.undone,
    )

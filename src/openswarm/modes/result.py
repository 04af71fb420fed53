"""What a run gives back, from the view of it: the result, its coverage, and what is missing."""

from collections.abc import Callable

from openswarm.core.contract import fold_key
from openswarm.core.events import Content
from openswarm.core.result import Artifact, Changes, Denied, RunResult, Stats
from openswarm.journal.fold import RunView
from openswarm.swarm.citations import cited_answer
from openswarm.swarm.coverage import Coverage, coverage_of

SHOWN_MISSING = 10


def result_of(
    view: RunView, read: Callable[[Content], str], stats: Stats, folder: str = ""
) -> RunResult:
    """A run as Python and the terminal see it. `read` gives text that the journal keeps."""
    answer = cited_answer(read(view.answer), view.table, known_words(view))
    return RunResult(
        run_id=view.run_id,
        mode=view.mode,
        mode_reason=view.mode_reason,
        answer=answer.text,
        citations=answer.citations,
        unsupported=answer.unsupported,
        outcome=view.outcome or "failed",
        why=view.why,
        generation=view.tables.generation,
        table=view.table,
        failures=tuple(view.failures),
        artifacts=tuple(
            Artifact(**{name: getattr(kept, name) for name in Artifact.model_fields})
            for kept in view.artifacts
        ),
        changes=tuple(
            Changes(
                agent=merged.agent,
                root=merged.root,
                changed=merged.changed,
                conflicts=merged.conflicts,
                patch=read(merged.patch),
            )
            for merged in view.changes
        ),
        denied=tuple(
            Denied(agent=asked.agent, tool=asked.tool, command=asked.command)
            for asked in view.denied
        ),
        sandbox=view.sandbox,
        stats=stats,
        folder=folder,
    )


def known_words(view: RunView) -> str:
    """What an answer may speak of without a cell: the words of the task and of its rows."""
    task = view.task.text if view.task else ""
    return "\n".join((task, *view.tables.expected.values()))


def coverage_of_run(view: RunView) -> Coverage | None:
    """What of a run's table is there; None where it has none."""
    done = (agent for agent in view.sub_agents if agent.outcome == "completed" and agent.item)
    return coverage_of(view.tables, (fold_key(agent.item) for agent in done))


def what_is_missing(coverage: Coverage | None) -> str:
    """Why a table is not whole, or ''."""
    if coverage is None:
        return ""
    if coverage.missing_rows:
        names = ", ".join(name[:60] for name in coverage.missing_rows[:SHOWN_MISSING])
        number = len(coverage.missing_rows)
        return f"{number} {'row is' if number == 1 else 'rows are'} missing: {names}"
    if coverage.lacking:
        cells = "; ".join(cell[:80] for cell in coverage.lacking[:SHOWN_MISSING])
        number = len(coverage.lacking)
        return f"{number} required {'cell is' if number == 1 else 'cells are'} empty: {cells}"
    return ""

"""Work on a table without an orchestrator: rows that were given, and edits of a finished table."""

from collections.abc import Sequence

from openswarm.agent.loop import Ending
from openswarm.core.events import Answered, AnyEvent, Edited, GenerationStarted, Undone
from openswarm.journal.fold import RunView, fold
from openswarm.journal.journal import Journal
from openswarm.modes.crew import Crew
from openswarm.modes.engine import Work
from openswarm.modes.lead import merge_summary
from openswarm.modes.result import what_is_missing
from openswarm.modes.writer import write_answer
from openswarm.swarm.coverage import coverage_of
from openswarm.swarm.edits import EditPlan, plan_edit
from openswarm.swarm.fill import Fill

NO_ANSWER = "the answer could not be written"
UNFINISHED = ("failed", "cancelled", "partial")
SHOWN = 10


async def fill_given(crew: Crew) -> Ending:
    """Works on the empty cells of the rows that the task gives, then answers."""
    contract, base = crew.merge.contract, crew.merge.tables.base
    assert contract is not None
    fills = []
    for placed in sorted(base.values(), key=lambda entry: entry.place):
        row = placed.row
        empty = tuple(c.name for c in contract.asked if not row.cells[c.name].value)
        if empty:
            fills.append(Fill(tuple(row.cells[n].value for n in contract.key), empty, "given"))
    await crew.filler.run(fills)
    await crew.follow_up.after_stage()
    if stopped := crew.control.cancelled:
        return Ending("partial", merge_summary(len(base)), stopped)
    answer = await _answer(crew, 0)
    why = _not_done(crew) or ("" if answer or crew.model.info.compact else NO_ANSWER)
    return Ending("partial" if why else "completed", answer or merge_summary(len(base)), why)


async def carry_out(crew: Crew, plan: EditPlan, past: Sequence[AnyEvent], answer: str) -> Ending:
    """Makes the changes of a plan that an earlier process has not made, lets its cells be worked
    on, and answers: `answer` as it was, or written anew."""
    number = crew.merge.tables.generation
    for change in plan.changes[num_edited(past) :]:
        crew.merge.edit(change)
    await crew.means.journal.commit()
    await crew.filler.run(plan.fills)
    if stopped := crew.control.cancelled:
        return Ending("partial", answer, stopped)
    why = _not_done(crew)
    if plan.reword is not None:
        written = await _answer(crew, number, answer, plan.reword.instruction)
        answer = written or answer
        why = why or ("" if written or crew.model.info.compact else NO_ANSWER)
    return Ending("partial" if why else "completed", answer, why)


def _not_done(crew: Crew) -> str:
    """What is missing after the work, or which rows' sub-agents came to no end, or ''."""
    if missing := what_is_missing(coverage_of(crew.merge.tables)):
        return missing
    reports = crew.roster.reports
    last = {a.item: reports[a.path] for a in crew.roster.of_generation() if a.path in reports}
    broken = [item for item, report in last.items() if report.outcome in UNFINISHED]
    shown = ", ".join(item[:60] for item in broken[:SHOWN])
    return f"{len(broken)} of {len(last)} sub-agents did not complete: {shown}" if broken else ""


def unfinished_edit(past: Sequence[AnyEvent], journal: Journal) -> Work | None:
    """The work that is left of an edit which an earlier process began; None if there is none.

    It is planned again on the table as it stood, and comes to the same plan.
    """
    began = next((i for i, event in reversed(list(enumerate(past))) if is_turn(event)), None)
    if began is None or not isinstance(past[began], GenerationStarted):
        return None
    started, view = past[began], fold(past[:began])
    assert isinstance(started, GenerationStarted)
    plan = plan_edit(started.operations, view.tables, failed_rows(view))
    answer = journal.read(view.answer)
    return lambda crew: carry_out(crew, plan, past, answer)


def is_turn(event: AnyEvent) -> bool:
    """Whether an event begins or ends a generation."""
    return isinstance(event, GenerationStarted | Answered | Undone)


def num_edited(past: Sequence[AnyEvent]) -> int:
    """How many changes of the last generation are in the journal."""
    count = 0
    for event in past:
        if isinstance(event, GenerationStarted):
            count = 0
        count += isinstance(event, Edited)
    return count


def failed_rows(view: RunView) -> list[str]:
    """The rows whose last sub-agent did not complete."""
    last = {agent.item: agent for agent in view.sub_agents if agent.item}
    return [item for item, agent in last.items() if agent.outcome != "completed"]


async def _answer(crew: Crew, number: int, earlier: str = "", instruction: str = "") -> str:
    if crew.model.info.compact and not instruction:
        return ""  # a small model has nothing to add to its table
    coverage = coverage_of(crew.merge.tables)
    missing = ", ".join(coverage.missing_rows[:50]) if coverage else ""
    return await write_answer(
        crew, number, earlier=earlier, instruction=instruction, missing=missing
    )

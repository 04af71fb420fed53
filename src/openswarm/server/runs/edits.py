"""Working on a finished run: proposals, edits, undo, questions.

A wish and a question are answered by the model while the client waits, and end with it; an edit
goes on by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.responses import Response

from openswarm.core.events import Edited
from openswarm.core.operations import Operation, describe
from openswarm.modes.edits import edit as edit_run
from openswarm.modes.edits import preview as preview_run
from openswarm.modes.edits import propose
from openswarm.modes.edits import undo as undo_run
from openswarm.modes.questions import ask as ask_run
from openswarm.server.runs.answers import AskAnswer, EditAnswer, Proposal
from openswarm.server.runs.calls import Asked
from openswarm.server.runs.choices import Models, check_task, models_before
from openswarm.server.runs.past import Past, limits_over
from openswarm.server.runs.places import need_idle, need_over
from openswarm.server.runs.requests import ProposalRequest
from openswarm.server.runs.snapshot import citations_of
from openswarm.server.runs.waiting import while_asked
from openswarm.server.runs.work import begin, when_free
from openswarm.swarm.edits import EditPlan


@dataclass(frozen=True, slots=True)
class _Finished:
    """A finished run that a request works on."""

    folder: Path
    past: Past
    models: Models
    options: dict[str, Any]
    """Where it is, for every function of `modes`."""


async def preview(asked: Asked) -> Response:
    """What an edit would do; of a wish the model makes operations first."""
    run = await _finished(asked)
    return while_asked(asked, partial(_proposal, run, asked.body))


async def edit(asked: Asked) -> EditAnswer:
    """Begins an edit, which goes on by itself."""
    run, sent = await _finished(asked), asked.body
    await check_task(asked.api.service, run.past.task)
    work = partial(
        edit_run,
        run.folder.name,
        sent.wish or tuple(sent.operations),
        model=run.models.lead,
        subagent_model=run.models.others,
        limits=limits_over(sent.limits, run.past.task.limits),
        **run.options,
    )
    run_id = await begin(asked.api.service, work, run.past.seq)
    return EditAnswer(run_id=run_id, generation=run.past.generations + 1)


async def undo(asked: Asked) -> EditAnswer:
    """Takes the last edit back."""
    service, folder = asked.api.service, await asked.folder()
    await need_idle(service, folder)
    options = service.options
    result = await when_free(
        lambda: undo_run(folder.name, home=options.home, settings=options.settings)
    )
    return EditAnswer(run_id=folder.name, generation=result.generation)


async def ask(asked: Asked) -> Response:
    """Answers a question from what the run has found and read."""
    run = await _finished(asked)
    return while_asked(asked, partial(_answer, run, asked.body.question))


async def _finished(asked: Asked) -> _Finished:
    """The run of the path. Raises `ApiError` for one that is alive or not over."""
    service, folder = asked.api.service, await asked.folder()
    await need_idle(service, folder)
    past = await asked.api.readings.use(folder, Past.of)
    need_over(folder.name, past.outcome)
    options = {"home": service.options.home, "settings": service.options.settings}
    return _Finished(folder, past, models_before(service, *past.specs), options)


async def _proposal(run: _Finished, sent: ProposalRequest) -> Proposal:
    name, options = run.folder.name, run.options
    operations: Sequence[Operation] = sent.operations
    if sent.wish:
        operations = await when_free(
            lambda: propose(name, sent.wish, model=run.models.lead, **options)
        )
    plan = await when_free(lambda: preview_run(name, operations, **options))
    return Proposal(
        operations=list(plan.operations),
        describe=[describe(operation) for operation in plan.operations],
        changes=list(_changes(plan)),
        cells=plan.num_cells,
        rows=len(plan.fills),
    )


async def _answer(run: _Finished, question: str) -> AskAnswer:
    answer = await when_free(
        lambda: ask_run(run.folder.name, question, model=run.models.lead, **run.options)
    )
    return AskAnswer(
        text=answer.text,
        citations=citations_of(answer.citations),
        unsupported=list(answer.unsupported),
        cost_usd=answer.cost_usd,
    )


def _changes(plan: EditPlan) -> Iterator[str]:
    """What each operation changes at once, for people."""
    for change in plan.changes:
        if facts := ", ".join(_facts(change)):
            yield f"{describe(change.operation)}: {facts}"


def _facts(change: Edited) -> Iterator[str]:
    if change.contract is not None:
        yield f"the columns become {', '.join(change.contract.names)}"
    for rows, what in ((change.removed, "removed"), (change.rows, "written")):
        if rows:
            yield f"{len(rows)} {'row' if len(rows) == 1 else 'rows'} {what}"

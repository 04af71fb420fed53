"""Beginning runs, going on with them, and saying beforehand what they would come to."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from openswarm.modes.forecast import forecast
from openswarm.modes.run import resume as resume_run
from openswarm.modes.run import run
from openswarm.server.runs.answers import Preview, RunStartedAnswer
from openswarm.server.runs.calls import Asked
from openswarm.server.runs.choices import (
    Models,
    check_columns,
    check_task,
    file_asked,
    models_asked,
    models_before,
    paths_asked,
)
from openswarm.server.runs.past import Past, limits_over
from openswarm.server.runs.places import need_idle, refuse_over
from openswarm.server.runs.requests import RunRequest
from openswarm.server.runs.work import begin
from openswarm.server.service import Service

FORECAST = ("mode", "tools", "over", "columns", "key", "table", "limits")
"""Of the options of a run, those that its forecast depends on."""


async def start(asked: Asked) -> RunStartedAnswer:
    """Begins a run, which goes on by itself."""
    service, sent = asked.api.service, asked.body
    given = await _given(service, sent)
    work = partial(
        run,
        sent.task,
        model=given.models.lead,
        subagent_model=given.models.others,
        approver="wait" if sent.attended else None,
        home=service.options.home,
        settings=service.options.settings,
        **given.options,
    )
    return RunStartedAnswer(run_id=await begin(service, work))


async def preview(asked: Asked) -> Preview:
    """The mode of a task, its width, and a rough estimate; nothing is run, no model is asked."""
    service, sent = asked.api.service, asked.body
    given = await _given(service, sent)
    known = {name: given.options[name] for name in FORECAST}
    found = await forecast(
        sent.task,
        model=given.models.lead,
        subagent_model=given.models.others,
        home=service.options.home,
        settings=service.options.settings,
        **known,
    )
    return Preview(
        mode=found.route.mode,
        width=found.route.width,
        reason=found.route.why,
        by=found.route.by,
        estimate=found.estimate,
        ask=found.asks,
    )


async def resume(asked: Asked) -> RunStartedAnswer:
    """Goes on with a run that was interrupted or ended early."""
    service, sent = asked.api.service, asked.body
    folder = await asked.folder()
    await need_idle(service, folder)
    past = await asked.api.readings.use(folder, Past.of)
    if past.is_done:
        raise refuse_over(folder.name, "there is nothing to go on with; edit it instead")
    await check_task(service, past.task)
    models = models_before(service, *past.specs)
    work = partial(
        resume_run,
        folder.name,
        model=models.lead,
        subagent_model=models.others,
        approver="wait" if sent.attended else None,
        limits=limits_over(sent.limits, past.limits),
        home=service.options.home,
        settings=service.options.settings,
    )
    return RunStartedAnswer(run_id=await begin(service, work, past.seq))


@dataclass(frozen=True, slots=True)
class _Given:
    """What a request comes to: models, and the other options of `run`."""

    models: Models
    options: dict[str, Any]


async def _given(service: Service, sent: RunRequest) -> _Given:
    """Checks all that a request names. Raises `ApiError`."""
    check_columns(sent.columns)
    files: list[Path] = [
        await file_asked(service, f"attachments[{place}]", file_id)
        for place, file_id in enumerate(sent.attachments)
    ]
    options = {
        "mode": sent.mode,
        "effort": sent.effort,
        "tools": sent.tools,
        "policy": sent.policy,
        "over": await paths_asked(service, "over", sent.over),
        "roots": await paths_asked(service, "roots", sent.roots),
        "columns": sent.columns or None,
        "key": sent.key,
        "table": await file_asked(service, "table", sent.table) if sent.table else None,
        "attachments": files,
        "complete": sent.complete,
        "on_conflict": sent.on_conflict,
        "limits": sent.limits.over(service.limits),
    }
    return _Given(models_asked(service, sent.model, sent.subagent_model), options)

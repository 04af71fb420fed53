"""The runs of the home: listed and removed, and one of them as a snapshot."""

import time

import anyio.to_thread
from starlette.responses import Response

from openswarm.journal.index import list_runs, remove_run
from openswarm.server.runs.answers import RunsAnswer
from openswarm.server.runs.calls import Asked
from openswarm.server.runs.places import is_here, need_idle, works
from openswarm.server.runs.requests import RunsQuery
from openswarm.server.runs.snapshot import snapshot_json
from openswarm.server.runs.work import when_free


async def runs(asked: Asked) -> RunsAnswer:
    """Runs, newest first."""
    query: RunsQuery = asked.query
    found = await anyio.to_thread.run_sync(list_runs, asked.api.service.options.home)
    if query.before:
        ids = [run.run_id for run in found]
        at = ids.index(query.before) + 1 if query.before in ids else 0
        found = found[at:] if at else [run for run in found if run.run_id < query.before]
    return RunsAnswer(runs=found[: query.limit], more=len(found) > query.limit)


async def snapshot(asked: Asked) -> Response:
    """A run as it stands."""
    service, folder = asked.api.service, await asked.folder()
    alive, here = await works(service, folder), is_here(service, folder)
    body = await asked.api.readings.use(
        folder, lambda run: snapshot_json(run, alive=alive, here=here, now=time.time())
    )
    return Response(body, media_type="application/json")


async def remove(asked: Asked) -> None:
    """Removes a run that nobody works on."""
    service, folder = asked.api.service, await asked.folder()
    await need_idle(service, folder)
    home = service.options.home
    await when_free(lambda: anyio.to_thread.run_sync(remove_run, home, folder.name))

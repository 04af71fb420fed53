"""Speaking to a run that is at work: steer, cancel, kill, and answers to its questions.

The request is left in the run's folder, for whichever process works on it; what answers is an
event of the journal.
"""

from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from openswarm.core.events import ROOT
from openswarm.journal.requests import Verb, send_request
from openswarm.server.failures import ApiError
from openswarm.server.runs.answers import Requested
from openswarm.server.runs.calls import Asked
from openswarm.server.runs.journal_file import end_of_lines, read_lines
from openswarm.server.runs.places import need_alive
from openswarm.server.runs.reading import Reading

PATIENCE_S = 2.0
POLL_S = 0.05


async def steer(asked: Asked) -> Requested:
    """Tells an agent something; it reads it at its next turn."""
    return await _tell(asked, "steer", asked.body.text)


async def cancel(asked: Asked) -> Requested:
    """Asks an agent to hand back what it has."""
    return await _tell(asked, "cancel")


async def kill(asked: Asked) -> Requested:
    """Ends an agent at once."""
    return await _tell(asked, "kill")


async def approve(asked: Asked) -> Requested:
    """Answers a question of the approval queue."""
    folder = await asked.folder()
    await need_alive(asked.api.service, folder)
    question = asked.request.path_params["approval_id"]
    is_open = await asked.api.readings.use(folder, lambda run: question in run.view.approvals)
    if not is_open:
        raise _missing(f"no question {question[:40]!r} waits for an answer in run {folder.name}")
    return await _request(folder, asked.body.answer, ROOT, question)


async def _tell(asked: Asked, verb: Verb, text: str = "") -> Requested:
    folder, agent = await asked.folder(), asked.body.agent
    await need_alive(asked.api.service, folder)
    state = await asked.api.readings.use(folder, partial(_state, path=agent))
    if state is None:
        raise _missing(f"there is no agent {agent[:80]!r} in run {folder.name}")
    if state == "done":
        raise ApiError(409, f"{agent} is done; it cannot be reached", kind="done")
    return await _request(folder, verb, agent, text)


def _state(run: Reading, path: str) -> str | None:
    """Where an agent's work stands; the root is there before it was assigned."""
    agent = run.view.agents.get(path)
    return agent.state if agent is not None else "running" if path == ROOT else None


async def _request(folder: Path, verb: Verb, agent: str, text: str) -> Requested:
    """Leaves a request, and waits a moment for the event that answers it."""
    place = await anyio.to_thread.run_sync(end_of_lines, folder)
    request = await anyio.to_thread.run_sync(send_request, folder, verb, agent, text)
    mark = f'"{request}"'.encode()
    with anyio.move_on_after(PATIENCE_S):
        while True:
            lines = await anyio.to_thread.run_sync(read_lines, folder, place)
            for line in lines.entries:
                if mark in line.data:
                    return Requested(request=request, seq=line.seq)
            place = lines.end
            await anyio.sleep(POLL_S)
    return Requested(request=request, seq=None)


def _missing(message: str) -> ApiError:
    return ApiError(404, message, kind="not_found")

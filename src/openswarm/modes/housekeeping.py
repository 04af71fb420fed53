"""What goes on beside a run: requests of other processes, its time, and the journal's pulse."""

from pathlib import Path

import anyio
import anyio.to_thread

from openswarm.agent.control import Control, Steer
from openswarm.core.events import Cancelled
from openswarm.journal.journal import Journal
from openswarm.journal.requests import ControlRequest, RequestReader
from openswarm.tools.approvals import Approvals

POLL_S = 0.2
GRACE_S = 120.0
"""What a run whose time is up gets to hand back what it has."""


async def keep_house(
    journal: Journal, control: Control, folder: Path | None, approvals: Approvals | None = None
) -> None:
    """Carries out requests and makes what happened visible to other processes, until cancelled."""
    reader = RequestReader(folder) if folder else None
    while True:
        await anyio.sleep(POLL_S)
        if reader is not None:
            for request in await anyio.to_thread.run_sync(reader.read):
                carry_out(request, journal, control, approvals)
        await journal.commit()


async def watch_time(wall_s: float, control: Control) -> None:
    """Asks for what there is when the time is up, and ends the run when that takes too long."""
    await anyio.sleep(wall_s)
    control.cancel(f"limit of {wall_s:g} s")
    await anyio.sleep(GRACE_S)
    control.kill(f"limit of {wall_s:g} s")


def carry_out(
    request: ControlRequest, journal: Journal, root: Control, approvals: Approvals | None = None
) -> None:
    """Does what was asked; the event with the request's id is the answer."""
    if request.verb in ("allow", "always", "deny"):
        if approvals is not None:
            approvals.answer(request.text, request.verb, request.by, request.id)
        return
    control = root.find(request.agent)
    if control is None:
        return
    if request.verb == "steer":
        control.steer(Steer(request.text, request.by, request.id))
        return
    journal.append(
        Cancelled(agent=request.agent, verb=request.verb, by=request.by, request=request.id)
    )
    if request.verb == "cancel":
        control.cancel(f"cancelled by {request.by}")
    else:
        control.kill(request.by)

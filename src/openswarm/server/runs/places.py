"""Where runs lie, and whether somebody works on them. Names lead to folders of the home alone."""

from pathlib import Path

import anyio.to_thread

from openswarm.journal.folder import is_alive
from openswarm.journal.index import PLAIN_ID, RUNS_FOLDER
from openswarm.server.failures import ApiError
from openswarm.server.service import Service


def folder_of(home: Path, run_id: str) -> Path:
    """The folder of a run. Blocks. Raises `ApiError` for what is no run of this home."""
    folder = home / RUNS_FOLDER / run_id
    if not PLAIN_ID.fullmatch(run_id) or folder.is_symlink() or not folder.is_dir():
        raise ApiError(404, f"there is no run {run_id[:120]!r}", boundary="journal", kind="no_run")
    return folder


async def works(service: Service, folder: Path) -> bool:
    """Whether a process, this one or another, works on the run."""
    return is_here(service, folder) or await anyio.to_thread.run_sync(is_alive, folder)


def is_here(service: Service, folder: Path) -> bool:
    """Whether this server carries the run out."""
    return folder.name in service.desk.at_work


async def need_alive(service: Service, folder: Path) -> None:
    """Raises `ApiError` for a run on which nobody works."""
    if not await works(service, folder):
        raise _conflict(f"run {folder.name} is not alive: nobody works on it", "not_alive")


async def need_idle(service: Service, folder: Path) -> None:
    """Raises `ApiError` for a run on which somebody works."""
    if await works(service, folder):
        raise _conflict(f"run {folder.name} is alive: wait for its end, or cancel it", "alive")


def need_over(run_id: str, outcome: str | None) -> None:
    """Raises `ApiError` for a run that has no answer."""
    if outcome is None:
        raise _conflict(f"run {run_id} is not over; resume it first", "not_over")


def refuse_over(run_id: str, why: str) -> ApiError:
    """The error for a run that there is nothing left to do in."""
    return _conflict(f"run {run_id} is over: {why}", "over")


def _conflict(message: str, kind: str) -> ApiError:
    return ApiError(409, message, boundary="journal", kind=kind)

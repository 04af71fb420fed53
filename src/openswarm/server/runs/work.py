"""Work on runs that goes on by itself, and questions that end with their request."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from openswarm.core.errors import JournalError
from openswarm.core.result import RunResult
from openswarm.journal.journal import Observer
from openswarm.server.failures import ApiError
from openswarm.server.service import Service

TRIES, PAUSE_S = 5, 0.02
T = TypeVar("T")


async def begin(
    service: Service, work: Callable[..., Awaitable[RunResult]], after_seq: int = 0
) -> str:
    """Begins work that goes on by itself; the id of the run, when its first event is there.

    `work` takes an observer. Raises `ApiError` and what keeps it from beginning.
    """

    async def observed(observer: Observer) -> RunResult:
        return await work(observer=observer)

    try:
        return await when_free(lambda: service.desk.detached(observed, after_seq))
    except RuntimeError:
        if service.stopping.is_set():  # it was ended before it began
            raise stopping() from None
        raise


async def when_free(action: Callable[[], Awaitable[T]]) -> T:
    """What an action on a run that nobody works on gives.

    Whoever looks whether a run is alive holds its lock for a moment, and must not be in the way.
    """
    for _ in range(TRIES - 1):
        try:
            return await action()
        except JournalError as error:
            if error.kind != "locked":
                raise
        await anyio.sleep(PAUSE_S)
    return await action()


def stopping() -> ApiError:
    """The error for what is asked of a server that ends."""
    return ApiError(503, "the server is shutting down", boundary="server", kind="stopping")

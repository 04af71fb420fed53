"""A server from start to end: opens its parts, listens, and leaves runs that can be resumed."""

import logging
import socket
from asyncio import CancelledError
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from errno import EADDRNOTAVAIL

import anyio
import uvicorn

from openswarm.core.errors import SettingsError, sole_error
from openswarm.server.app import make_app
from openswarm.server.desk import Desk
from openswarm.server.service import ServeOptions, Service

GRACE_S = 5
"""What requests that are under way get to come to their end."""
BACKLOG = 2048
TICK_S = 0.1
TICKS_A_DAY = 864_000


@asynccontextmanager
async def open_service(options: ServeOptions) -> AsyncIterator[Service]:
    """The parts of a server, without its socket. At the end runs are left where they are."""
    try:
        async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
            service = Service(options, Desk(tasks, options.max_runs), stack)
            try:
                yield service
            finally:
                service.stopping.set()
                service.desk.stop()
                tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise sole_error(group) from None


class _Listener(uvicorn.Server):
    """Tells what streams that the server stops, before it waits for them; leaves signals alone."""

    def __init__(self, config: uvicorn.Config, stopping: anyio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._leaving = anyio.Event()

    def leave(self) -> None:
        """Ends serving now, not at uvicorn's next look at the clock."""
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        """See `uvicorn.Server.main_loop`."""
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % TICKS_A_DAY
            with anyio.move_on_after(TICK_S):
                await self._leaving.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See `uvicorn.Server.capture_signals`: who serves knows what a signal means."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server.shutdown`."""
        self._stopping.set()
        logging.getLogger("uvicorn.error").addFilter(_is_a_fault)
        await super().shutdown(sockets)


def _is_a_fault(record: logging.LogRecord) -> bool:
    """False for what uvicorn itself has cut off at the end of `GRACE_S`, which is no bug."""
    raised = record.exc_info[1] if record.exc_info else None
    return not isinstance(raised, CancelledError)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any. Raises `SettingsError` where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((host, port))
    except (OSError, OverflowError) as error:
        server.close()
        reason = getattr(error, "strerror", None) or str(error)
        is_host = isinstance(error, socket.gaierror) or getattr(error, "errno", 0) == EADDRNOTAVAIL
        advice = "--host takes an address of this computer" if is_host else "choose another: --port"
        raise SettingsError(f"cannot listen on {host} port {port}: {reason}; {advice}") from None
    server.listen(BACKLOG)
    return server


async def serve(
    options: ServeOptions,
    server: socket.socket,
    beside: Callable[[Service], Awaitable[None]],
) -> None:
    """Serves on a socket, and closes it, until `beside` is done; what that raises is raised."""
    with server:
        await _serve(options, server, beside)


async def _serve(
    options: ServeOptions, server: socket.socket, beside: Callable[[Service], Awaitable[None]]
) -> None:
    async with open_service(options) as service, anyio.create_task_group() as tasks:
        listener = _listener(service)
        tasks.start_soon(listener.serve, [server])
        try:
            await beside(service)
        finally:
            listener.leave()


def _listener(service: Service) -> _Listener:
    config = uvicorn.Config(
        make_app(service),
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return _Listener(config, service.stopping)

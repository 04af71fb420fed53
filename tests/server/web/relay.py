"""A TCP relay between the browser and the server that can be cut, as a network can."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import SocketAttribute, SocketStream

GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)


class Relay:
    """Forwards connections until `cut`, and again after `mend`."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._open: set[SocketStream] = set()
        self._is_cut = False

    async def cut(self) -> None:
        """Ends what is open, and whatever is opened from now on."""
        self._is_cut = True
        for stream in tuple(self._open):
            await stream.aclose()

    def mend(self) -> None:
        """Forwards again."""
        self._is_cut = False

    async def carry(self, client: SocketStream) -> None:
        """One connection, both ways."""
        async with client:
            if not self._is_cut:
                with suppress(*GONE):
                    await self._forward(client)

    async def _forward(self, client: SocketStream) -> None:
        async with await anyio.connect_tcp("127.0.0.1", self._to) as server:
            pair = {client, server}
            self._open |= pair
            try:
                async with anyio.create_task_group() as both:
                    both.start_soon(_pump, client, server, both.cancel_scope)
                    both.start_soon(_pump, server, client, both.cancel_scope)
            finally:
                self._open -= pair


async def _pump(source: SocketStream, target: SocketStream, over: anyio.CancelScope) -> None:
    with suppress(*GONE):
        async for data in source:
            await target.send(data)
    over.cancel()


@asynccontextmanager
async def relayed(port: int) -> AsyncIterator[tuple[Relay, int]]:
    """A relay to a port of loopback, and its own port."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    relay = Relay(port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, relay.carry)
        yield relay, listener.extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()

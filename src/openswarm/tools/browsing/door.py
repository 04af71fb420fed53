"""The one door of a browser to the network: a SOCKS5 proxy on loopback that checks every address.

Chromium resolves nothing itself; it names the host of each connection here, whatever it is for:
pages, redirects, frames, scripts, sockets. The door resolves the name by the rules of fetching and
connects to the very address that it checked, so a name that means something else a moment later
gains nothing. What is no TCP connection has no way out at all.
"""

import ipaddress
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream

from openswarm.tools.web.addresses import plain_host

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host and port that may be connected to. Raises OSError, with the reason."""

OWN_SERVICES = frozenset(
    f"{name}.googleapis.com"
    for name in ("content-autofill", "optimizationguide-pa", "safebrowsing", "update")
)
"""Hosts that Chromium tells of its pages by itself: they are refused without a word."""
HANDSHAKE_S = 10.0
CONNECT_S = 10.0
MOST_CONNECTIONS = 200
MOST_BYTES = 200_000_000
"""Bytes that one connection may carry in one direction."""
KEPT_REASONS = 50
CHUNK = 65_536

VERSION, NO_AUTHENTICATION, CONNECT = 5, 0, 1
IPV4, NAME, IPV6 = 1, 3, 4
HUNG_UP = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)
GRANTED, NOT_ALLOWED, UNREACHABLE = 0, 2, 4


class Door:
    """Where one agent's pages get out. It tells why it refused what it refused."""

    def __init__(self, resolve: Resolve) -> None:
        self.port = 0
        self._resolve = resolve
        self._reasons: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._told: set[tuple[str, int]] = set()
        self._room = anyio.Semaphore(MOST_CONNECTIONS)
        self._closing = anyio.Event()

    def why(self, host: str, port: int) -> str:
        """Why no connection to a host came about; '' if none was refused."""
        return self._reasons.get((plain_host(host), port), "")

    def news(self) -> list[str]:
        """What was refused since the last time, each host once."""
        new = [place for place in self._reasons if place not in self._told]
        self._told.update(new)
        return [self._reasons[place] for place in new]

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Listens until `close`, started when `port` is known; then all connections are cut."""
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        self.port = listener.extra(SocketAttribute.local_port)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, self._serve)
            task_status.started()
            await self._closing.wait()
            tasks.cancel_scope.cancel()

    def close(self) -> None:
        """Ends `serve`."""
        self._closing.set()

    async def _serve(self, inner: SocketStream) -> None:
        try:
            async with inner, self._room:
                with anyio.fail_after(HANDSHAKE_S + CONNECT_S):
                    outer = await self._greet(inner)
                if outer is not None:
                    async with outer:
                        await _join(inner, outer)
        except (*HUNG_UP, anyio.IncompleteRead, anyio.EndOfStream):
            pass  # the page sees a failed connection

    async def _greet(self, inner: SocketStream) -> SocketStream | None:
        """Speaks SOCKS5 with the browser; the connection that it asked for, or None."""
        reader = BufferedByteReceiveStream(inner)
        version, count = await reader.receive_exactly(2)
        await reader.receive_exactly(count)
        if version != VERSION:
            return None
        await inner.send(bytes([VERSION, NO_AUTHENTICATION]))
        version, command, _, kind = await reader.receive_exactly(4)
        host = await _read_host(reader, kind)
        port = int.from_bytes(await reader.receive_exactly(2))
        if version != VERSION or command != CONNECT or not host:
            return None
        outer, answer = await self._connect(host, port)
        await inner.send(bytes([VERSION, answer, 0, IPV4]) + bytes(6))
        if reader.buffer and outer is not None:
            await outer.send(reader.buffer)
        return outer

    async def _connect(self, host: str, port: int) -> tuple[SocketStream | None, int]:
        """The connection, or None, and SOCKS5's word for what came of it."""
        if host in OWN_SERVICES:
            return None, NOT_ALLOWED
        try:
            addresses = await self._resolve(host, port)
        except socket.gaierror:
            self._refused(host, port, f"there is no host {host}")
            return None, UNREACHABLE
        except OSError as error:
            self._refused(host, port, str(error))
            return None, NOT_ALLOWED
        reason = "it has no address"
        for address in addresses:
            try:
                with anyio.fail_after(CONNECT_S / len(addresses)):
                    outer = await anyio.connect_tcp(address, port)
                self._reasons.pop((plain_host(host), port), None)
                return outer, GRANTED
            except TimeoutError:
                reason = "it did not answer in time"
            except OSError:
                reason = "no connection came about"
        self._refused(host, port, f"{host}:{port} cannot be reached: {reason}")
        return None, UNREACHABLE

    def _refused(self, host: str, port: int, reason: str) -> None:
        self._reasons[plain_host(host), port] = reason[:300]
        if len(self._reasons) > KEPT_REASONS:
            place, _ = self._reasons.popitem(last=False)
            self._told.discard(place)


async def _read_host(reader: BufferedByteReceiveStream, kind: int) -> str:
    """The host of a request: a name or an address as text; '' if it is neither."""
    if kind == IPV4:
        return str(ipaddress.IPv4Address(await reader.receive_exactly(4)))
    if kind == IPV6:
        return str(ipaddress.IPv6Address(await reader.receive_exactly(16)))
    if kind != NAME:
        return ""
    (length,) = await reader.receive_exactly(1)
    name = (await reader.receive_exactly(length)).decode("ascii", "replace")
    return name.removeprefix("[").removesuffix("]")


async def _join(one: ByteStream, other: ByteStream) -> None:
    """Carries bytes both ways until both sides have ended, or one breaks."""
    async with anyio.create_task_group() as tasks:

        async def carry(source: ByteStream, target: ByteStream) -> None:
            total = 0
            try:
                async for chunk in source:
                    total += len(chunk)
                    if total > MOST_BYTES:
                        break
                    await target.send(chunk)
                else:
                    await target.send_eof()
                    return
            except HUNG_UP:
                pass
            tasks.cancel_scope.cancel()

        tasks.start_soon(carry, one, other)
        tasks.start_soon(carry, other, one)

"""The fetch proxy: the only way of jailed code to the web, a Unix socket for each sub-agent.

It answers `GET` of a whole address with the body that the run's fetcher gets, by the fetcher's
rules; there is no tunnel and nothing can be sent. Owns reading of these requests.
"""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread
from anyio.abc import SocketListener, SocketStream, TaskGroup

from openswarm.core.errors import OpenswarmError

HEAD_BYTES = 8192
HEAD_S = 10.0
PAUSE_S = 0.1
AT_ONCE = 8
"""Requests of one sub-agent; others wait."""
MOST_OPEN = 64
"""Connections of one sub-agent; each takes a descriptor of ours, so more are hung up on."""
SEND_S = 60.0
"""How long an answer may take to be read."""
REQUEST = re.compile(rb"([A-Z]{1,16}) ([\x21-\x7e\x80-\xff]{1,8000}) HTTP/1\.[01]\r?\n")
REASONS = {200: "OK", 400: "Bad Request", 405: "Method Not Allowed", 502: "Bad Gateway"}


class Body(Protocol):
    """What a fetcher gives of a page."""

    @property
    def blob(self) -> str:
        """The name of its bytes in the journal."""
        ...

    @property
    def media_type(self) -> str:
        """Its type, as the server named it."""
        ...


class Fetches(Protocol):
    """A fetcher, such as that of `tools.web.fetcher`."""

    async def get(self, url: str, holder: str = "") -> Body:
        """The page at an address, for an agent. Raises `OpenswarmError` that says why not."""
        ...


class FetchProxy:
    """Serves the requests of one sub-agent's code."""

    def __init__(self, fetcher: Fetches, read_bytes: Callable[[str], bytes], agent: str) -> None:
        self._fetcher = fetcher
        self._read_bytes = read_bytes
        self._agent = agent
        self._places = anyio.CapacityLimiter(AT_ONCE)
        self._open = 0

    async def listen(self, path: Path, tasks: TaskGroup) -> None:
        """Answers at `path` from now on, in a task of `tasks`."""
        listener = await SocketListener.from_socket(await anyio.to_thread.run_sync(_bound, path))

        async def serve() -> None:
            async with listener:
                while True:
                    try:
                        await listener.serve(self._serve, tasks)
                    except anyio.BrokenResourceError:  # we are out of descriptors for a moment
                        await anyio.sleep(PAUSE_S)

        tasks.start_soon(serve)

    async def _serve(self, stream: SocketStream) -> None:
        self._open += 1
        try:
            async with stream:
                if self._open <= MOST_OPEN:
                    await self._serve_one(stream)
        finally:
            self._open -= 1

    async def _serve_one(self, stream: SocketStream) -> None:
        try:
            async with self._places:
                answer = await self._answer(await _head(stream))
                with anyio.fail_after(SEND_S):
                    await stream.send(answer)
        except (anyio.BrokenResourceError, anyio.EndOfStream, TimeoutError, OSError):
            return

    async def _answer(self, head: bytes) -> bytes:
        match = REQUEST.match(head)
        if match is None:
            return _reply(400, b"the fetch proxy takes GET of a whole http or https address")
        if match[1] != b"GET":
            return _reply(405, b"the fetch proxy takes GET alone: nothing can be sent from here")
        url = match[2].decode("utf-8", "replace")
        if not url.lower().startswith(("http://", "https://")):
            return _reply(400, b"the address has to start with http:// or https://")
        try:
            page = await self._fetcher.get(url, self._agent)
            body = await anyio.to_thread.run_sync(self._read_bytes, page.blob)
        except OpenswarmError as error:
            return _reply(502, str(error).encode("utf-8", "replace"))
        except Exception as error:  # noqa: BLE001 - the code's news, not the run's end
            return _reply(502, f"the page broke the fetcher: {type(error).__name__}".encode())
        return _reply(200, body, page.media_type)


def _bound(path: Path) -> socket.socket:
    """A listening socket that the user alone can reach."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(64)
    return listener


async def _head(stream: SocketStream) -> bytes:
    """The request up to its empty line, or as much as may be."""
    head = b""
    with anyio.fail_after(HEAD_S):
        while b"\n\r\n" not in head and b"\n\n" not in head and len(head) < HEAD_BYTES:
            head += await stream.receive(HEAD_BYTES)
    return head


def _reply(status: int, body: bytes, media_type: str = "text/plain; charset=utf-8") -> bytes:
    kind = media_type if media_type.isprintable() else "application/octet-stream"
    head = (
        f"HTTP/1.0 {status} {REASONS[status]}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("utf-8", "replace") + body

"""The transport of a server that is started: one JSON message a line, over its pipes.

Lines are bounded, what is no message is kept as last words, and nothing is left of the process
when the transport is closed.
"""

import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from openswarm.tools.mcp.config import ServerConfig
from openswarm.tools.mcp.lines import LineTooLong, lines_of
from openswarm.tools.mcp.messages import message_of
from openswarm.tools.mcp.process import close_pipes, start_process
from openswarm.tools.mcp.wording import LastWords

MAX_NOISE_BYTES = 1_000_000
"""What a server may write to stdout that is no message, before it is given up."""
EXIT_S = 2.0
KILL_S = 3.0
REAP_S = 1.0
DRAIN_S = 1.0
_BROKEN = (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream, OSError)

OnLost = Callable[[str], None]


class TooMuchNoise(Exception):
    """A server writes anything but messages."""


@dataclass(slots=True)
class _Pipes:
    process: Process
    life: socket.socket
    lose: OnLost
    words: LastWords
    incoming: MemoryObjectSendStream[Any]
    outgoing: MemoryObjectReceiveStream[Any]
    ended: anyio.Event = field(default_factory=anyio.Event)
    """The process is gone."""
    drained: anyio.Event = field(default_factory=anyio.Event)
    served: anyio.CancelScope = field(default_factory=lambda: anyio.CancelScope(shield=True))
    how: str = ""
    """How the process ended, as its guard says."""
    noise: int = 0
    patience_s: float = EXIT_S
    """From the end of its input until the server is told to end by a signal."""

    async def serve(self) -> None:
        """Keeps the pipes moving until `served` is cancelled, also while the server ends."""
        with self.served:
            async with anyio.create_task_group() as tasks:
                for job in (self.read, self.write, self.listen, self.watch):
                    tasks.start_soon(job)

    async def read(self) -> None:
        """Hands on messages until stdout ends; to nobody, once nobody listens."""
        assert self.process.stdout is not None
        why = "closed its output"
        try:
            async for line in lines_of(self.process.stdout):
                await self._take(line)
        except (LineTooLong, TooMuchNoise) as error:
            why, self.patience_s = str(error), 0.0
        except _BROKEN:
            pass
        else:
            self.drained.set()
            await self._exit()
        self.give_up(why)

    async def _take(self, line: bytes) -> None:
        message = message_of(line)
        if message is not None:
            with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
                await self.incoming.send(message)
            return
        self.words.add(line[:1000] + b"\n")
        self.noise += len(line)
        if self.noise > MAX_NOISE_BYTES:
            raise TooMuchNoise("writes to stdout what is not MCP")

    async def write(self) -> None:
        """Sends messages until there are no more, or the server takes none."""
        assert self.process.stdin is not None
        try:
            async for entry in self.outgoing:
                text = entry.message.model_dump_json(by_alias=True, exclude_unset=True)
                await self.process.stdin.send(text.encode("utf-8", "replace") + b"\n")
        except _BROKEN:
            await self._exit()
            self.give_up("closed its input")

    async def listen(self) -> None:
        """Keeps what it writes to stderr."""
        assert self.process.stderr is not None
        with suppress(*_BROKEN):
            while True:
                self.words.add(await self.process.stderr.receive())

    async def watch(self) -> None:
        """Waits for the end of the process, and for what it still wrote."""
        await anyio.wait_readable(self.life)
        with suppress(OSError):
            self.how = self.life.recv(200).decode("utf-8", "replace")
        self.ended.set()
        with anyio.move_on_after(DRAIN_S):
            await self.drained.wait()
        self.give_up("ended")

    async def _exit(self) -> None:
        """Waits a little for the exit of the process, which says more than broken pipes."""
        with anyio.move_on_after(DRAIN_S):
            await self.ended.wait()

    def give_up(self, why: str) -> None:
        """Tells the session, whose open calls fail with that."""
        self.lose(self.how or why)
        self.incoming.close()

    async def stop(self) -> None:
        """Ends the process: its input first, then by its guard. Bounded."""
        assert self.process.stdin is not None
        with suppress(*_BROKEN):
            await self.process.stdin.aclose()
        with anyio.move_on_after(self.patience_s):
            await self.ended.wait()
        with suppress(OSError):
            self.life.shutdown(socket.SHUT_WR)
        with anyio.move_on_after(KILL_S):
            await self.ended.wait()
        close_pipes(self.process)
        with anyio.move_on_after(REAP_S):
            await self.process.wait()


@asynccontextmanager
async def stdio_streams(
    config: ServerConfig, environ: Mapping[str, str], words: LastWords, lose: OnLost
) -> AsyncIterator[tuple[Any, Any]]:
    """Starts the server; the streams of messages from it and to it.

    Raises `SettingsError` if the command or its folder is not there.
    """
    process, life = await start_process(config, environ)
    incoming, from_server = anyio.create_memory_object_stream[Any](0)
    to_server, outgoing = anyio.create_memory_object_stream[Any](0)
    pipes = _Pipes(process, life, lose, words, incoming, outgoing)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pipes.serve)
            try:
                yield from_server, to_server
            finally:
                with anyio.CancelScope(shield=True):
                    from_server.close()
                    to_server.close()
                    await pipes.stop()
                pipes.served.cancel()
    finally:
        incoming.close()
        outgoing.close()
        life.close()

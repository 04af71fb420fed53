"""One connection to a server: from its start until it is lost, in one task that owns it."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import anyio
from pydantic import BaseModel, ValidationError

from openswarm.core.errors import OpenswarmError, ToolError, sole_error
from openswarm.core.version import VERSION
from openswarm.tools.mcp.config import ServerConfig
from openswarm.tools.mcp.stdio import stdio_streams
from openswarm.tools.mcp.streamable import http_streams
from openswarm.tools.mcp.wording import LastWords, one_line, readable

Answer = TypeVar("Answer", bound=BaseModel)
OnProgress = Callable[[float, float | None, str | None], Awaitable[None]]
SAID_CHARS = 2_000
NO_METHOD, NO_VERSION = -32601, -32022
"""JSON-RPC codes of servers that speak only the newer protocol without a handshake."""


class McpFailure(ToolError):
    """A server failed. `said` is what it said itself: data from outside."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said


class Connection:
    """A session with a server that may end at any time; the calls of many go through it at once."""

    def __init__(self, config: ServerConfig, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ
        self._words = LastWords()
        self._session: Any = None
        self._lost = anyio.Event()
        self._why = ""
        self.ready = anyio.Event()
        """It can be called, or it is lost already."""
        self.ended = anyio.Event()
        """Nothing is left of it."""

    @property
    def lost(self) -> bool:
        """Whether it is of no use any more."""
        return self._lost.is_set()

    def lose(self, why: str) -> None:
        """Gives it up; the first reason counts."""
        self._why = self._why or why
        self._lost.set()

    @property
    def failure(self) -> McpFailure:
        """Why it was lost."""
        return McpFailure(f"MCP server {self._config.name!r} {self._why}.", self._words.text)

    async def run(self) -> None:
        """Holds the connection until it is lost. Raises nothing."""
        from mcp import ClientSession, Implementation

        us = Implementation(name="openswarm", version=VERSION)
        try:
            async with (
                self._streams() as streams,
                ClientSession(*streams, client_info=us) as session,
            ):
                if await self._begin(session):
                    self._session = session
                    self.ready.set()
                    await self._lost.wait()
        except Exception as error:  # noqa: BLE001 - a broken server is no end of the run
            self.lose(_reason(error))
        finally:
            self.lose("was closed")
            self.ready.set()
            self.ended.set()

    def _streams(self) -> AbstractAsyncContextManager[tuple[Any, Any]]:
        if self._config.command:
            return stdio_streams(self._config, self._environ, self._words, self.lose)
        return http_streams(self._config, self.lose)

    async def _begin(self, session: Any) -> bool:
        """Agrees on a protocol; whether it did in time."""
        from mcp import MCPError

        with anyio.move_on_after(self._config.startup_s):
            try:
                await session.initialize()
            except MCPError as error:
                if error.code not in (NO_METHOD, NO_VERSION):
                    raise
                await session.discover()
            return True
        self.lose(f"did not answer within {self._config.startup_s:g} s of its start")
        return False

    async def ask(
        self,
        request: BaseModel,
        kind: type[Answer],
        seconds: float,
        on_progress: OnProgress | None = None,
    ) -> Answer:
        """The answer to a request, if it comes within so many seconds. Raises `McpFailure`.

        Whoever stops waiting, for lack of time or since it is cancelled, makes the SDK tell the
        server so.
        """
        from mcp import MCPError

        await self.ready.wait()
        if self.lost:
            raise self.failure
        try:
            with anyio.move_on_after(seconds):
                return await self._session.send_request(
                    request, kind, progress_callback=on_progress
                )
        except MCPError as error:
            if self.lost:
                raise self.failure from None
            said = readable(error.message, SAID_CHARS)
            raise McpFailure(
                f"MCP server {self._config.name!r} answered with an error.", said
            ) from None
        except (ValidationError, ValueError, RuntimeError):
            if self.lost:
                raise self.failure from None
            raise McpFailure(
                f"MCP server {self._config.name!r} answered with what is not MCP."
            ) from None
        raise McpFailure(
            f"MCP server {self._config.name!r} did not answer within {seconds:g} s, and was told"
            " that nobody waits any more. Ask for less, or go another way."
        )


def _reason(error: Exception) -> str:
    """Why a connection could not be made or kept."""
    cause = sole_error(error) if isinstance(error, ExceptionGroup) else error
    if isinstance(cause, OpenswarmError):
        return str(cause)
    return f"could not be used: {one_line(str(cause) or type(cause).__name__)}"

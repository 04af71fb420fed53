"""The transport of a server that is reached over streamable HTTP.

Owns the HTTP client. A request that fails becomes an answer that says so, since the SDK would end
the whole session with an exception; answers are bounded and never decompressed.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread

from openswarm.tools.mcp.config import ServerConfig
from openswarm.tools.mcp.lines import MAX_LINE_BYTES
from openswarm.tools.mcp.wording import one_line

CONNECT_S = 30.0
UNREACHABLE = 502
REFUSED = "HTTP {status}: the server refuses the credentials; mend its headers or its token"
LOST_SESSION = "forgot the session"


@asynccontextmanager
async def http_streams(
    config: ServerConfig, lose: Callable[[str], None]
) -> AsyncIterator[tuple[Any, Any]]:
    """The streams of messages from the server and to it."""
    from mcp.client.streamable_http import streamable_http_client

    # made in a thread: it reads the trusted certificates
    async with (
        await anyio.to_thread.run_sync(_client, config, lose) as client,
        streamable_http_client(
            config.url, http_client=client, max_sse_event_size=MAX_LINE_BYTES
        ) as streams,
    ):
        yield streams


def _client(config: ServerConfig, lose: Callable[[str], None]) -> Any:
    import httpx2

    class Client(httpx2.AsyncClient):
        """Answers itself where the server does not, or not as it should."""

        async def send(
            self, request: httpx2.Request, *args: Any, **options: Any
        ) -> httpx2.Response:
            try:
                response = await super().send(request, *args, **options)
            except httpx2.TransportError as error:
                reason = one_line(str(error)) or type(error).__name__
                return _answer(request, UNREACHABLE, f"the server was not reached: {reason}")
            if request.method != "POST":
                return response
            if problem := _problem(response, lose):
                await response.aclose()
                return _answer(request, response.status_code, problem)
            response.stream = _bounded(response.stream)
            return response

    # streams stay open as long as calls last, and these are bounded by their own time
    timeout = httpx2.Timeout(CONNECT_S, read=None, pool=None)
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
    headers = {**config.headers, "Accept-Encoding": "identity"}
    return Client(headers=headers, timeout=timeout, limits=limits)


def _problem(response: Any, lose: Callable[[str], None]) -> str:
    """What is wrong with an answer, or ''."""
    if response.headers.get("content-encoding", "identity") != "identity":
        return "the server compresses its answers unasked"
    status = response.status_code
    if status in (401, 403):
        return REFUSED.format(status=status)
    if status == 404 and "mcp-session-id" in response.request.headers:
        lose(LOST_SESSION)
        return f"the server {LOST_SESSION}"
    json = response.headers.get("content-type", "").lower().startswith("application/json")
    if status >= 400 and not json:
        return f"HTTP {status}" + (": is the url that of an MCP server?" if status == 404 else "")
    return ""


def _answer(request: Any, status: int, problem: str) -> Any:
    """An answer of JSON-RPC in the place of the server's."""
    import httpx2

    error = {"code": -32000, "message": problem}
    body = {"jsonrpc": "2.0", "id": None, "error": error}
    return httpx2.Response(max(status, 400), request=request, json=body)


def _bounded(stream: Any) -> Any:
    """The stream up to a number of bytes; its failures are what the SDK expects of a stream."""
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            try:
                async for chunk in stream:
                    size += len(chunk)
                    if size > MAX_LINE_BYTES:
                        raise httpx2.StreamError(f"more than {MAX_LINE_BYTES:,} bytes")
                    yield chunk
            except httpx2.TransportError as error:
                raise httpx2.StreamError(f"the connection broke: {error}") from None

        async def aclose(self) -> None:
            await stream.aclose()

    return Bounded()

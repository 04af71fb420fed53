"""One bounded HTTP exchange: a request out, an answer of limited size back, no redirect followed.

Owns what a failure on the way means. Knows nothing of what is asked, and tries nothing again.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

import aiohttp
import anyio.to_thread
from yarl import URL

from openswarm.core.errors import Fault, WebError
from openswarm.llm.http import CONNECT_S, proxy_for, tls_context
from openswarm.tools.web.failures import failure_of

CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it goes out."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None = None
    shown: str = ""
    """How errors call its address; without what may not be shown."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer as it came in."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    is_whole: bool
    """Whether the body ended before its limit."""

    @property
    def media_type(self) -> str:
        """Such as `application/json`; '' where the server says nothing."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@asynccontextmanager
async def open_session(ca_bundle: str, *, secure: bool) -> AsyncIterator[aiohttp.ClientSession]:
    """A session without cookies that trusts the system's certificates and the user's own.

    `secure`: any https address is to be asked; reading the certificates takes its time.
    """
    tls = await anyio.to_thread.run_sync(tls_context, ca_bundle) if secure else True
    connector = aiohttp.TCPConnector(limit=0, ssl=tls)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
        yield session


async def exchange(
    session: aiohttp.ClientSession, outgoing: Outgoing, *, timeout_s: float, max_bytes: int
) -> Incoming:
    """The answer to one request, whatever its status. Raises `WebError` where there is none.

    `timeout_s` is for all of it; of the body, after decompression, `max_bytes` are taken.
    """
    shown = outgoing.shown or str(outgoing.url.with_query(None))
    timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(CONNECT_S, timeout_s))
    with _failures(shown, timeout_s):
        async with session.request(
            outgoing.method,
            outgoing.url,
            headers=outgoing.headers,
            data=outgoing.body,
            timeout=timeout,
            allow_redirects=False,
            proxy=None if is_loopback(outgoing.url) else proxy_for(str(outgoing.url)),
        ) as response:
            body, is_whole = await _read(response, max_bytes)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Incoming(response.status, headers, body, is_whole)


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> tuple[bytes, bool]:
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        body += chunk
        if len(body) > max_bytes:
            response.close()
            return bytes(body[:max_bytes]), False
    return bytes(body), True


@contextmanager
def _failures(shown: str, timeout_s: float) -> Iterator[None]:
    """Turns what can go wrong on the way into a `WebError` that says what did."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError:
        raise WebError(Fault.UNREACHABLE, f"{shown} did not accept a connection") from None
    except TimeoutError:
        raise WebError(Fault.STALLED, f"{shown} did not answer within {timeout_s:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        failure = failure_of(error)
        raise WebError(failure.fault, f"{shown}: {failure}") from None


def is_loopback(url: URL) -> bool:
    """Whether an address names this computer by its own names."""
    host = (url.host or "").rstrip(".")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

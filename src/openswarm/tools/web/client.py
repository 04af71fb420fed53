"""One question to a web server, bounded in every way, and what a failure of it means.

Owns connections, proxies, certificates and the mapping of failures to `WebError`. Redirects are
followed by `follow`, step by step, so that each step can be checked and paced; knows no retry.
"""

import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies

import aiohttp
import anyio
import anyio.to_thread
from yarl import URL

from openswarm.core.errors import Fault, WebError
from openswarm.core.version import USER_AGENT
from openswarm.llm.http import proxy_for, tls_context
from openswarm.tools.web.addresses import AllowedHosts, PrivateAddress, PublicResolver, is_public
from openswarm.tools.web.failures import REDIRECTS, failure_of, refusal

MAX_BYTES = 10 * 1024 * 1024
LARGE_BYTES = 2**20
LARGE_AT_ONCE = 8
"""Bodies that may grow beyond `LARGE_BYTES` at the same time: memory is bounded, whoever asks."""
MAX_REDIRECTS = 5
MAX_URL_CHARS = 8000
SHOWN_CHARS = 300
MAX_HEADER_BYTES = 64 * 1024
CONNECTIONS = 256
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)
"""What is shown to models beside a page; a server could write sentences there."""
_INSIDE = ("internal", "local", "localhost", "localdomain", "lan", "home", "corp", "intranet",
           "private", "arpa", "test", "onion")  # fmt: skip
"""Last labels of names that are never those of the open internet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: a redirect, if `location` is set, or a body."""

    url: URL
    status: int
    location: str = ""
    media_type: str = ""
    charset: str = ""
    body: bytes = b""


Ask = Callable[[URL], Awaitable[Answer]]


class WebClient:
    """Asks web servers. Made by `open_client`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        allowed: AllowedHosts,
        *,
        timeout_s: float,
        max_bytes: int,
        ca_bundle: str = "",
    ) -> None:
        self.user_agent = session.headers["User-Agent"]
        self._session = session
        self._allowed = allowed
        self._targets = PublicResolver(allowed)
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._large = anyio.CapacityLimiter(LARGE_AT_ONCE)
        self._ca_bundle = ca_bundle
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = anyio.Lock()

    async def ask(self, url: URL) -> Answer:
        """One question, its redirect not followed.

        Raises `WebError`, and `SettingsError` for a proxy or certificates that cannot be used.
        """
        body = bytearray()
        try:
            with anyio.fail_after(self._timeout_s):
                proxy = proxy_for(str(url))
                await self._refuse_private(url, proxied=proxy is not None)
                async with self._session.get(
                    url, allow_redirects=False, proxy=proxy, ssl=await self._certificates(url)
                ) as response:
                    return await self._answer(url, response, body)
        except TimeoutError:
            raise self._late(len(body)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise failure_of(error) from None

    async def _certificates(self, url: URL) -> ssl.SSLContext | bool:
        """Whom to trust, read at the first secure address."""
        if url.scheme != "https":
            return True
        async with self._tls_lock:
            if self._tls is None:
                self._tls = await anyio.to_thread.run_sync(tls_context, self._ca_bundle)
        return self._tls

    def _late(self, received: int) -> WebError:
        if not received:
            return WebError(Fault.STALLED, f"it did not arrive within {self._timeout_s:g} s")
        text = f"it is too slow: {received} bytes came in {self._timeout_s:g} s, and not all"
        return WebError(Fault.REFUSED, text)

    async def _refuse_private(self, url: URL, *, proxied: bool) -> None:
        """Checks what no resolver of ours will see: addresses, and what a proxy connects to.

        A name that only the proxy can resolve is left to it if it looks like a public one.
        """
        host, port = url.raw_host or "", url.port or 0
        if self._allowed.permits(host, port):
            return
        self._targets.check_port(host, port)
        if _is_address(host):
            if not is_public(host):
                raise PrivateAddress(f"{host} is an address of a private network")
        elif proxied or host in _proxy_hosts() or not any(letter.isalpha() for letter in host):
            try:
                await self._targets.resolve(host, port)
            except PrivateAddress:
                raise
            except OSError:
                if not proxied or not _looks_public(host):
                    raise

    async def _answer(self, url: URL, response: aiohttp.ClientResponse, body: bytearray) -> Answer:
        status, headers = response.status, response.headers
        if status in REDIRECTS and headers.get("Location"):
            return Answer(url, status, location=headers["Location"])
        if not 200 <= status < 300:
            raise refusal(status, headers)
        await self._receive(response, body)
        charset = response.charset or ""
        named = response.content_type if "Content-Type" in headers else ""
        media_type = named if _MEDIA_TYPE.fullmatch(named) else ""
        return Answer(url, status, "", media_type, charset, bytes(body))

    async def _receive(self, response: aiohttp.ClientResponse, body: bytearray) -> None:
        """Fills in the body, decompressed piece by piece, given up as soon as it is too large."""
        if (response.content_length or 0) > self._max_bytes:
            raise self._too_large()
        async with AsyncExitStack() as stack:
            async for part in response.content.iter_chunked(65536):
                if len(body) < LARGE_BYTES <= len(body) + len(part):
                    await stack.enter_async_context(self._large)
                body += part
                if len(body) > self._max_bytes:
                    raise self._too_large()

    def _too_large(self) -> WebError:
        return WebError(Fault.REFUSED, f"it is larger than {self._max_bytes // 2**20} MB")


async def open_client(
    stack: AsyncExitStack,
    allowed: Collection[str] = (),
    *,
    user_agent: str = "",
    timeout_s: float = 30.0,
    max_bytes: int = MAX_BYTES,
    ca_bundle: str = "",
) -> WebClient:
    """A client whose session is closed with the stack. It keeps no cookies."""
    connector = aiohttp.TCPConnector(
        resolver=PublicResolver(AllowedHosts([*allowed, *_proxy_hosts()])),
        limit=CONNECTIONS,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": user_agent or USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
    )
    await stack.enter_async_context(session)
    return WebClient(
        session,
        AllowedHosts(allowed),
        timeout_s=timeout_s,
        max_bytes=max_bytes,
        ca_bundle=ca_bundle,
    )


async def follow(url: URL, ask: Ask) -> Answer:
    """The body at the end of all redirects. Raises `WebError`, also for what leads in a circle."""
    seen: set[URL] = set()
    for _ in range(MAX_REDIRECTS + 1):
        if url in seen:
            raise WebError(Fault.REFUSED, "it redirects in a circle")
        seen.add(url)
        answer = await ask(url)
        if not answer.location:
            return answer
        url = _redirected(url, answer.location)
    raise WebError(Fault.REFUSED, f"it redirects more than {MAX_REDIRECTS} times")


def parse_address(address: str) -> URL:
    """The address as it is asked for: http or https, with a host, without a fragment.

    Raises `WebError` for anything else.
    """
    try:
        url = URL(address.strip())
        text = str(url.with_fragment(None))
    except ValueError:
        raise WebError(Fault.REFUSED, "it is not an address that can be read") from None
    if url.scheme not in ("http", "https"):
        named = f"{url.scheme}: cannot be fetched" if url.scheme else "it has no scheme"
        raise WebError(Fault.REFUSED, f"{named}; only http:// and https:// addresses can be")
    if not url.raw_host or not url.raw_host.isprintable() or " " in url.raw_host:
        raise WebError(Fault.REFUSED, "the address names no host")
    if len(text) > MAX_URL_CHARS:
        raise WebError(Fault.REFUSED, f"the address is longer than {MAX_URL_CHARS} characters")
    return url.with_fragment(None)


def without_user(url: URL) -> URL:
    """The address without user and password: they are neither sent nor shown."""
    return url.with_user(None)


def shown(address: str) -> str:
    """An address as it may be shown, whatever it is: on one line, bounded, without a password."""
    without = re.sub(r"//[^/?#]*@", "//", address[: MAX_URL_CHARS * 2])
    return " ".join(without.split())[:SHOWN_CHARS]


def _redirected(url: URL, location: str) -> URL:
    try:
        target = url.join(URL(location))
        str(target)
    except ValueError:
        raise WebError(Fault.REFUSED, "it redirects to an address that cannot be read") from None
    if target.scheme not in ("http", "https"):
        raise WebError(Fault.REFUSED, "it redirects to something else than http or https")
    return without_user(parse_address(str(target)))


def _is_address(host: str) -> bool:
    """Whether a host is an IP address in the usual spelling."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except (OSError, ValueError):
            continue
        return True
    return False


def _looks_public(host: str) -> bool:
    name = host.rstrip(".").casefold()
    return "." in name and name.rpartition(".")[2] not in _INSIDE


def _proxy_hosts() -> set[str]:
    return {urlsplit(proxy).hostname or "" for proxy in getproxies().values()}

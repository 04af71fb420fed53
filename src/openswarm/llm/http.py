"""One HTTP session an endpoint: proxies, certificates, extra headers, and what a failure means.

Owns the mapping from HTTP and connection failures to `ModelError`; knows no wire format.
"""

import json
import math
import os
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import anyio

from openswarm.core.errors import Fault, ModelError, SettingsError

CONNECT_S = 20.0
DRAIN_S = 0.25
MAX_ERROR_BYTES = 64 * 1024
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Beside SSL_CERT_FILE, which OpenSSL reads itself."""
_CONTEXT_WORDS = (
    "context length", "context_length", "maximum context", "context window", "context size",
    "prompt is too long", "too many tokens", "input is too long", "exceeds the model's max",
)  # fmt: skip
_QUOTA_WORDS = (
    "insufficient_quota", "billing", "credit balance", "exceeded_current_quota",
    "specified api usage limits",
)  # fmt: skip


class Endpoint:
    """A base URL with its session. The session is made at the first call, in its event loop."""

    def __init__(
        self, base_url: str, headers: Mapping[str, str], ca_bundle: str = "", socket: str = ""
    ) -> None:
        """`socket` is the path of a Unix socket, which is then used in place of the host."""
        self.base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        self._ca_bundle = ca_bundle
        self._socket = socket
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """The session, made at its first use."""
        if self._session is None:
            connector: aiohttp.BaseConnector
            if self._socket:
                connector, proxy = (
                    aiohttp.UnixConnector(self._socket, limit=0, force_close=True),
                    None,
                )
            else:
                secure = self.base_url.startswith("https:")
                tls = tls_context(self._ca_bundle) if secure else True
                connector = aiohttp.TCPConnector(limit=0, ssl=tls)
                proxy = proxy_for(self.base_url)
            self._session = aiohttp.ClientSession(
                connector=connector, headers=self._headers, proxy=proxy
            )
        return self._session

    @asynccontextmanager
    async def post(
        self, path: str, body: bytes, stall_s: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A streamed POST of JSON. Every failure, also later while reading, is a `ModelError`."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=stall_s)
        headers = {"content-type": "application/json"}
        try:
            async with self.session().post(
                self.base_url + path,
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,  # a key is not for whoever the server points at
            ) as response:
                if response.status >= 300:
                    raise await self._refusal(response)
                yield response
        except aiohttp.ConnectionTimeoutError:
            raise ModelError(
                Fault.UNREACHABLE, f"{self.base_url} did not accept a connection in {CONNECT_S:g} s"
            ) from None
        except aiohttp.ServerTimeoutError:
            raise ModelError(
                Fault.STALLED, f"{self.base_url} sent nothing for {stall_s:g} s"
            ) from None
        except aiohttp.ClientConnectorError as error:
            raise ModelError(
                Fault.UNREACHABLE,
                f"cannot reach {self.base_url} ({error.strerror or error}); is it running, and is"
                " the address right?",
            ) from None
        except aiohttp.InvalidURL:
            raise SettingsError(f"{self.base_url!r} is not a URL") from None
        except (aiohttp.ClientError, ConnectionError) as error:
            raise ModelError(
                Fault.BROKEN, f"{self.base_url} broke off: {error or type(error).__name__}"
            ) from None

    async def _refusal(self, response: aiohttp.ClientResponse) -> ModelError:
        data = await response.content.read(MAX_ERROR_BYTES)
        message = _message_of(data)
        fault = fault_of(response.status, message)
        wait_s = retry_after_s(response.headers)
        text = f"{self.base_url} answered {response.status}: {message}{_advice(fault)}"
        return ModelError(fault, text, retry_after_s=wait_s, status=response.status)

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def drain(response: aiohttp.ClientResponse) -> None:
    """Waits shortly for the end of a body that is known, so that its connection is used again."""
    if response.content.at_eof():
        return
    with anyio.move_on_after(DRAIN_S), suppress(aiohttp.ClientError, ConnectionError):
        while await response.content.readany():
            pass


def proxy_for(url: str) -> str | None:
    """The proxy that the usual environment variables name for an address, credentials inside.

    Looked up once an endpoint: aiohttp's own `trust_env` asks a thread before every request.
    """
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        raise SettingsError(
            f"the proxy of {parts.hostname} is {urlsplit(proxy).scheme}://…; only http proxies can"
            " be used: set https_proxy or http_proxy to one, or no_proxy to reach it directly"
        )
    return proxy


def fault_of(status: int, message: str) -> Fault:
    """What an HTTP status with an error message means."""
    folded = message.casefold()
    if status == 402 or any(word in folded for word in _QUOTA_WORDS):
        return Fault.QUOTA
    if status in (401, 403):
        return Fault.AUTH
    if status in (429, 503, 529):
        return Fault.THROTTLED
    if status in (408, 409, 425) or status >= 500:
        return Fault.SERVER
    if status == 413:
        return Fault.CONTEXT
    if status in (400, 422) and any(word in folded for word in _CONTEXT_WORDS):
        return Fault.CONTEXT
    return Fault.UNKNOWN_MODEL if status == 404 else Fault.REFUSED


def _advice(fault: Fault) -> str:
    return {
        Fault.AUTH: "; check the key of this provider",
        Fault.QUOTA: "; the account has no quota left",
        Fault.UNKNOWN_MODEL: "; check the model's name and the address",
        Fault.CONTEXT: "; the conversation is longer than the model's window",
    }.get(fault, "")


def _message_of(data: bytes) -> str:
    """The error text of a body in any of the usual shapes, cut to a line."""
    text = data.decode("utf-8", "replace")
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    while isinstance(value, dict):
        parts = [str(value[k]) for k in ("code", "type") if isinstance(value.get(k), str)]
        inner = value.get("error") or value.get("message") or value.get("detail") or ""
        value = inner if isinstance(inner, dict) else " ".join([str(inner), *parts])
    return " ".join(str(value).split())[:500] or "no message"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait; bounded, since a header is a stranger's word."""
    if "retry-after-ms" in headers:
        value, scale = headers["retry-after-ms"], 0.001
    elif "retry-after" in headers:
        value, scale = headers["retry-after"], 1.0
    else:
        return None
    try:
        seconds = float(value) * scale
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), 600.0) if math.isfinite(seconds) else None


def tls_context(ca_bundle: str) -> ssl.SSLContext:
    """The system's certificates and the user's own."""
    context = ssl.create_default_context()
    for path in (ca_bundle, *(os.environ.get(name, "") for name in _CA_VARIABLES)):
        if path:
            try:
                context.load_verify_locations(path)
            except OSError:
                raise SettingsError(f"certificate bundle {path} cannot be read") from None
    return context

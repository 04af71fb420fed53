"""What stands before every handler: which names the server answers to, who may ask, how much.

The Host check keeps a web page elsewhere from reaching a server on loopback by a name of its own
(DNS rebinding). Everything but the files of the web view asks for the token.
"""

import hmac
from collections.abc import Mapping
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openswarm.server.failures import ApiError
from openswarm.server.refusals import refuse_at
from openswarm.server.service import ServeOptions

GUARDED = ("/v1/", "/api/", "/anthropic/", "/openapi.json")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY_ADDRESS = ("0.0.0.0", "::", "")
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """Lets through what may be asked; answers everything else itself."""

    def __init__(self, app: ASGIApp, options: ServeOptions) -> None:
        self._app = app
        self._token = options.token.encode()
        self._max_body_bytes = options.max_body_bytes
        self._hosts = LOOPBACK | {name.casefold() for name in (options.host, *options.hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks a request and hands it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        send = _with_headers(send)
        try:
            self._check(scope["path"], headers)
        except ApiError as error:
            await refuse_at(scope["path"], headers, error)(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, self._max_body_bytes), send)

    def _check(self, path: str, headers: Mapping[str, str]) -> None:
        host = _host_name(headers.get("host", ""))
        if host not in self._hosts:
            raise ApiError(
                403,
                f"this server does not answer to {host[:100]!r}; start it with --allow-host {host}"
                " if that is its name",
                kind="host",
            )
        if path.startswith(GUARDED) and not self._is_known(headers):
            raise ApiError(
                401,
                "the token is missing or wrong: send it as Authorization: Bearer …, or as"
                " x-api-key; openswarm serve prints it",
                kind="token",
            )
        size = headers.get("content-length", "0")
        if not size.isdecimal() or int(size) > self._max_body_bytes:
            raise _too_large(self._max_body_bytes)

    def _is_known(self, headers: Mapping[str, str]) -> bool:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        shown = bearer.strip() if scheme.casefold() == "bearer" else headers.get("x-api-key", "")
        return hmac.compare_digest(shown.encode(), self._token)


def is_open_address(host: str) -> bool:
    """Whether an address to listen on is reached from other computers."""
    return host in _ANY_ADDRESS or host.casefold() not in LOOPBACK


def _host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].casefold()
    return host.rpartition(":")[0].casefold() if ":" in host else host.casefold()


def _too_large(limit: int) -> ApiError:
    return ApiError(413, f"the body is larger than {limit} bytes", kind="too_large")


def _bounded(receive: Receive, limit: int) -> Receive:
    """Receives up to so many bytes. Raises `ApiError` beyond, where no length was stated."""
    size = 0

    async def take() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise _too_large(limit)
        return message

    return take


def _with_headers(send: Send) -> Send:
    """Adds what every answer has, and an id of the request under the names that clients read."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            identity = f"req_{uuid4().hex}".encode()
            named = ((b"request-id", identity), (b"x-request-id", identity))
            headers = [*message.get("headers", ()), *SECURITY_HEADERS, *named]
            message = {**message, "headers": headers}
        await send(message)

    return sent

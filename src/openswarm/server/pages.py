"""The files of the web view, served as they lie in the package, and nothing beside them.

A page may load nothing from elsewhere and run no script inside it; what models and the web wrote
is shown in frames that cannot run anything.
"""

import hashlib
import re
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from openswarm.server.guard import GUARDED

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
    " connect-src 'self'; font-src 'self'; frame-src 'self' blob:; base-uri 'none';"
    " form-action 'none'"
)
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
INDEX = "index.html"
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def routes(folder: Traversable | None = None) -> list[BaseRoute]:
    """The route of every path that no other route has; by default of the package's own files."""
    pages = Pages(files("openswarm.server") / "web" if folder is None else folder)
    return [Route("/", pages), _Beside("/{path:path}", pages)]


class _Beside(Route):
    """Every path but those of the APIs, whose own errors say what is wrong with them."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["path"].startswith(GUARDED):
            return Match.NONE, {}
        return super().matches(scope)


class Pages:
    """Serves the files of one folder."""

    def __init__(self, folder: Traversable) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request. Raises `HTTPException` for what is no file, and for other methods."""
        path = scope["path"].removeprefix("/") or INDEX
        data = await anyio.to_thread.run_sync(partial(_read, self._folder, path))
        if data is None:
            raise HTTPException(404)
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"allow": "GET, HEAD"})
        await _answer(path, data, Headers(scope=scope))(scope, receive, send)


def _read(folder: Traversable, path: str) -> bytes | None:
    """A file of the folder; None for what is none, or of a kind that is not served. Blocks."""
    parts = path.split("/")
    suffix = f".{path.rpartition('.')[2]}"
    if suffix not in MEDIA_TYPES or not all(map(_PART.fullmatch, parts)):
        return None
    file = folder.joinpath(*parts)
    return file.read_bytes() if file.is_file() else None


def _answer(path: str, data: bytes, asked: Headers) -> Response:
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {
        "content-security-policy": POLICY,
        "cache-control": "no-cache",
        "etag": tag,
        "x-frame-options": "DENY",
    }
    known = [
        entry.strip().removeprefix("W/") for entry in asked.get("if-none-match", "").split(",")
    ]
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=MEDIA_TYPES[f".{path.rpartition('.')[2]}"], headers=headers)

"""Answers on their way out: as server-sent events, or whole. A client that goes away ends the work.

Only streams; a whole answer is a stream that is folded. Frames are written by an encoder of the
wire; nothing here knows one. Until the first frame an error is an HTTP status, after it a frame.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from openswarm.core.errors import sole_error
from openswarm.core.events import AnyEvent
from openswarm.llm.model import Delta
from openswarm.server.answering import answer
from openswarm.server.chat import ChatReply, ChatRequest
from openswarm.server.failures import ApiError
from openswarm.server.service import Service

PING_S = 10.0
SSE_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
}
Write = Callable[[bytes], Awaitable[None]]
Refuse = Callable[[ApiError], Response]
"""Writes an error in the shape of a wire."""


class Frames(Protocol):
    """The encoder of one streamed answer. Each method gives whole frames, b'' for nothing."""

    def begin(self) -> bytes:
        """What comes before everything else."""
        ...

    def delta(self, delta: Delta) -> bytes:
        """A piece of the answer."""
        ...

    def event(self, event: AnyEvent) -> bytes:
        """An event of the run that makes the answer, for clients that asked for them."""
        ...

    def end(self, reply: ChatReply) -> bytes:
        """The end of an answer that came whole."""
        ...

    def error(self, error: ApiError) -> bytes:
        """The end of an answer that broke."""
        ...

    def ping(self) -> bytes:
        """A sign of life."""
        ...


class Attended(Response):
    """A response whose work ends as soon as its client is gone."""

    def __init__(self, work: Callable[[Send], Awaitable[None]]) -> None:
        super().__init__()
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Works and answers, while the client listens."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_gone, receive, tasks.cancel_scope)
                await self._work(send)
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise sole_error(group) from None


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def whole(
    service: Service,
    chat: ChatRequest,
    encode: Callable[[ChatReply], object],
    refuse: Refuse,
    request: Request,
) -> Response:
    """The answer as one JSON document."""

    async def work(send: Send) -> None:
        try:
            reply = await answer(service, chat, lambda _: None)
            response: Response = JSONResponse(encode(reply), headers=run_headers(reply))
        except ApiError as error:
            response = refuse(error)
        await response(request.scope, request.receive, send)

    return Attended(work)


def run_headers(reply: ChatReply) -> Mapping[str, str]:
    """Which run an answer came from."""
    return {"openswarm-run": reply.run_id} if reply.run_id else {}


def streamed(
    service: Service, chat: ChatRequest, frames: Frames, refuse: Refuse, request: Request
) -> Response:
    """The answer as server-sent events."""

    async def work(send: Send) -> None:
        outbox = Outbox(send)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(outbox.carry, frames)
                reply = await answer(service, chat, lambda piece: outbox.take(piece, frames))
                outbox.put(b"" if outbox.has_begun else frames.begin())
                outbox.put(frames.end(reply))
                outbox.close()
        except BaseExceptionGroup as group:
            error = sole_error(group)
            if not isinstance(error, ApiError):
                raise error from None
            if not outbox.has_begun:
                await refuse(error)(request.scope, request.receive, send)
                return
            outbox.put(frames.error(error))
            await outbox.flush()
        await outbox.end()

    return Attended(work)


class Outbox:
    """Frames that wait to be sent; all that have gathered go out together."""

    def __init__(self, send: Send) -> None:
        self.has_begun = False
        """Whether a frame was put in, so that the status is settled."""
        self._send = send
        self._frames: list[bytes] = []
        self._started = False
        self._closed = False
        self._stirred = anyio.Event()

    def take(self, piece: Delta | AnyEvent, frames: Frames) -> None:
        """Puts in a piece of the answer."""
        data = frames.delta(piece) if isinstance(piece, Delta) else frames.event(piece)
        if data:
            self.put((b"" if self.has_begun else frames.begin()) + data)

    def put(self, data: bytes) -> None:
        """Puts in frames."""
        if data:
            self.has_begun = True
            self._frames.append(data)
            self._stirred.set()

    def close(self) -> None:
        """Nothing comes after this."""
        self._closed = True
        self._stirred.set()

    async def carry(self, frames: Frames) -> None:
        """Sends what is put in until it is closed, and signs of life between."""
        while not self._closed:
            with anyio.move_on_after(PING_S) as idle:
                await self._stirred.wait()
            if idle.cancelled_caught:
                self.put((b"" if self.has_begun else frames.begin()) + frames.ping())
            self._stirred = anyio.Event()
            await self.flush()

    async def flush(self) -> None:
        """Sends what has gathered."""
        if not self._frames:
            return
        if not self._started:
            self._started = True
            headers = [(k.encode(), v.encode()) for k, v in SSE_HEADERS.items()]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        data, self._frames = b"".join(self._frames), []
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """Sends the rest, and ends the response."""
        await self.flush()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

"""The events of a run as a stream that can be taken up anywhere, and page by page.

A stream is what stands in the journal, each event under its number; beside it come signs of life
of runs of this server, and at the end how the run ended. A client that comes back says the last
number that it has.
"""

from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Send

from openswarm.core.errors import JournalError
from openswarm.server.runs.answers import StreamEnd
from openswarm.server.runs.calls import Asked
from openswarm.server.runs.feed import POLL_S, RunFeed, frame
from openswarm.server.runs.journal_file import Line, Lines, place_after, read_lines
from openswarm.server.runs.requests import EventsQuery, PageQuery
from openswarm.server.streaming import PING_S, SSE_HEADERS, Attended

RETRY = b"retry: 1000\n\n"
PING = b": alive\n\n"
STOPPING = b": the server stops; come back\n\n"
PAGE_BYTES = 16 * 1024 * 1024


async def stream(asked: Asked) -> Response:
    """The events after the one that the client has, then new ones as they come, to the end."""
    folder = await asked.folder()
    query: EventsQuery = asked.query
    seq = _seq_of(asked.request, query)

    async def work(send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in SSE_HEADERS.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        with asked.api.feeds.following(folder) as feed:
            last = await _Stream(asked, folder, feed, send).carry(seq)
        await send({"type": "http.response.body", "body": last, "more_body": False})

    return Attended(work)


def _seq_of(request: Request, query: EventsQuery) -> int:
    """What the client has; 0 for what is no number."""
    text = request.headers.get("last-event-id") or query.after
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0


class _Stream:
    """One client that follows a run."""

    def __init__(self, asked: Asked, folder: Path, feed: RunFeed, send: Send) -> None:
        self._asked = asked
        self._folder = folder
        self._feed = feed
        self._send = send
        self._sent_at = 0.0

    async def carry(self, seq: int) -> bytes:
        """Sends events until there will be no more; gives the last frame."""
        await self._put(RETRY)
        try:
            return await self._follow(seq)
        except JournalError:
            return await self._end()

    async def _follow(self, seq: int) -> bytes:
        feed, stopping = self._feed, self._asked.api.service.stopping
        place = await anyio.to_thread.run_sync(place_after, self._folder, seq)
        known, _ = feed.ticks.since(-1)
        while not stopping.is_set():
            piece = await feed.after(place)
            known, ticks = feed.ticks.since(known)
            if piece is not None or ticks:
                await self._put(ticks + (piece.frames if piece is not None else b""))
            if piece is not None:
                place = piece.end
                continue
            if feed.over:
                return await self._end()
            if anyio.current_time() - self._sent_at > PING_S:
                await self._put(PING)
            with anyio.move_on_after(POLL_S):
                await stopping.wait()
        return STOPPING

    async def _put(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self._sent_at = anyio.current_time()

    async def _end(self) -> bytes:
        outcome = await self._asked.api.readings.outcome(self._folder)
        return frame("end", StreamEnd(outcome=outcome).model_dump_json().encode())


async def page(asked: Asked) -> Response:
    """So many events as they stand in the journal."""
    query: PageQuery = asked.query
    folder = await asked.folder()
    body = await anyio.to_thread.run_sync(_page, folder, query.after, query.limit)
    return Response(body, media_type="application/json")


def _page(folder: Path, after: int, limit: int) -> bytes:
    """`EventsPage` as JSON; the events are the journal's own lines."""
    taken: list[bytes] = []
    last, size, place, complete = after, 0, place_after(folder, after), True
    while complete and (lines := read_lines(folder, place)).end > place:
        for line in _later(lines, after):
            if len(taken) >= limit or size > PAGE_BYTES:
                complete = False
                break
            taken.append(line.data)
            last, size = line.seq, size + len(line.data)
        place = lines.end
    flag = b"true" if complete else b"false"
    return b'{"events":[%s],"last_seq":%d,"complete":%s}' % (b",".join(taken), last, flag)


def _later(lines: Lines, after: int) -> Iterator[Line]:
    return (line for line in lines.entries if line.seq > after)

"""What is written to a run's journal, read once for all who follow it, and its signs of life.

Who follows holds a place in the file. At the head of it all share what was read last; who is
behind reads from the file, so that a slow client costs no memory. Nothing works in the
background: whoever looks first after `POLL_S` looks for all.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread
import orjson

from openswarm.core.events import AnyEvent, ModelReplied, ReportReceived, Tick
from openswarm.journal.folder import is_alive
from openswarm.server.desk import Desk
from openswarm.server.runs.journal_file import Lines, end_of_lines, read_lines

POLL_S = 0.1
SHARED_BYTES = 4 * 1024 * 1024
"""So much of what was read last is kept for those who are nearly at the head."""
KEPT_TICKS = 10
"""Who is so many looks behind is spared older signs of life."""
TICK_CHARS = 8_000
"""The end of what an agent wrote between two looks is passed on, up to this length."""


class Piece(NamedTuple):
    """Whole frames, and the place in the file that they lead to."""

    end: int
    frames: bytes


class RunFeed:
    """One run as it is followed here."""

    def __init__(self, folder: Path) -> None:
        self.over = False
        """Nobody writes any more, and all was read."""
        self.ticks = TickBook()
        self.followers = 0
        self.closing = ExitStack()
        self._folder = folder
        self._head = -1
        """The place up to which the file was read; -1 before the first look."""
        self._pieces: dict[int, Piece] = {}
        """What was read last, by the place where it begins."""
        self._looked = 0.0
        self._lock = anyio.Lock()

    async def after(self, place: int) -> Piece | None:
        """What comes after a place; None where there is nothing yet. Raises `JournalError`."""
        if place >= self._head and not self._is_fresh():
            await self._look()
        if place >= self._head:
            return None
        return self._pieces.get(place) or await anyio.to_thread.run_sync(
            lambda: _framed(read_lines(self._folder, place, self._head))
        )

    async def _look(self) -> None:
        """Reads what is new, once for all who ask at the same time."""
        async with self._lock:
            if self._is_fresh():
                return
            self.ticks.gather()  # before the file, as a reply ends what was written of it
            now = anyio.current_time()
            alive, piece = await anyio.to_thread.run_sync(_look, self._folder, self._head)
            self._looked = now
            if self._head < 0:
                self._head, self.over = piece.end, not alive
            elif piece.end > self._head:
                self._share(piece)
            elif not alive:
                self.over = True

    def _is_fresh(self) -> bool:
        return self._head >= 0 and anyio.current_time() - self._looked < 0.8 * POLL_S

    def _share(self, piece: Piece) -> None:
        self._pieces[self._head] = piece
        self._head = piece.end
        while sum(len(kept.frames) for kept in self._pieces.values()) > SHARED_BYTES:
            del self._pieces[next(iter(self._pieces))]


class TickBook:
    """Signs of life of the agents, joined until the next look."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, str]] = {}
        self._gathered: deque[bytes] = deque(maxlen=KEPT_TICKS)
        self._count = 0

    def take(self, event: AnyEvent | Tick) -> None:
        """Takes a sign of life; a reply that is whole makes those before it idle."""
        if isinstance(event, ModelReplied | ReportReceived):
            self._waiting.pop(event.agent, None)
        if not isinstance(event, Tick):
            return
        if event.kind == "restart":
            self._waiting[event.agent] = {"restart": ""}
            return
        kinds = self._waiting.setdefault(event.agent, {})
        before = kinds.get(event.kind, "") if event.kind != "progress" else ""
        kinds[event.kind] = (before + event.text)[-TICK_CHARS:]

    def gather(self) -> None:
        """Makes frames of what has come since the last time."""
        ticks = (
            {"agent": agent, "kind": kind, "text": text}
            for agent, kinds in self._waiting.items()
            for kind, text in kinds.items()
        )
        frames = b"".join(frame("tick", orjson.dumps(tick)) for tick in ticks)
        self._waiting = {}
        if frames:
            self._gathered.append(frames)
            self._count += 1

    def since(self, count: int) -> tuple[int, bytes]:
        """The frames gathered after the first `count`, and how many there were in all."""
        new = min(self._count - count, len(self._gathered)) if count >= 0 else 0
        return self._count, b"".join([*self._gathered][-new:]) if new else b""


class Feeds:
    """The runs that are followed just now."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._feeds: dict[Path, RunFeed] = {}

    @contextmanager
    def following(self, folder: Path) -> Iterator[RunFeed]:
        """The feed of a run, shared with all who follow it."""
        feed = self._feeds.get(folder)
        if feed is None or feed.over:
            feed = self._feeds[folder] = RunFeed(folder)
            feed.closing.enter_context(self._desk.watch(folder.name, feed.ticks.take))
        feed.followers += 1
        try:
            yield feed
        finally:
            feed.followers -= 1
            if not feed.followers:
                feed.closing.close()
                if self._feeds.get(folder) is feed:
                    del self._feeds[folder]


def frame(event: str, data: bytes) -> bytes:
    """One event of a stream that has a name and no number."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


def _look(folder: Path, head: int) -> tuple[bool, Piece]:
    """Whether the run was alive before it was read, and what is new."""
    alive = is_alive(folder)
    if head < 0:
        return alive, Piece(end_of_lines(folder), b"")
    return alive, _framed(read_lines(folder, head))


def _framed(lines: Lines) -> Piece:
    frames = b"".join(b"id: %d\ndata: %s\n\n" % (line.seq, line.data) for line in lines.entries)
    return Piece(lines.end, frames)

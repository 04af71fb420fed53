"""The thread that writes a journal: all that has come since it last wrote goes out as one group.

Owns the order and the waiting; what a group becomes on disk is its caller's business. While one
group is being written the next one gathers, so a hundred agents that wait cost one write.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import anyio


class Entry(NamedTuple):
    """A line of the journal, or the blob of that name."""

    data: bytes
    seq: int
    """The number of the last event before or in this entry."""
    blob: str = ""


Write = Callable[[Sequence[Entry]], None]
"""Makes a group durable. Raises `OSError`."""


class GroupWriter:
    """Entries are added on the event loop and written, in order, by one thread."""

    def __init__(self, write: Write, on_written: Callable[[Sequence[Entry]], None]) -> None:
        self.error: OSError | None = None
        """What ended the writing; nothing after it is written."""
        self._write = write
        self._on_written = on_written
        self._entries: deque[Entry] = deque()
        self._waiters: deque[tuple[int, anyio.Event]] = deque()
        self._durable = 0
        self._wanted = threading.Event()
        self._writing = threading.Lock()
        self._closed = False
        self._thread: threading.Thread | None = None

    def add(self, entry: Entry) -> None:
        """Hands an entry over; it is written with the next group."""
        self._entries.append(entry)

    def goes_on_after(self, seq: int) -> None:
        """Everything up to that event is durable: an earlier process wrote it."""
        self._durable = seq

    def pending(self) -> list[Entry]:
        """What is not written yet."""
        return list(self._entries)

    async def written(self, seq: int) -> None:
        """Returns when all up to that event is durable. Raises the `OSError` that prevents it."""
        if self._durable < seq and self.error is None and not self._closed:
            event = anyio.Event()
            self._waiters.append((seq, event))
            self._start()
            self._wanted.set()
            await event.wait()
        if self._durable < seq and self.error is not None:
            raise self.error

    def _start(self) -> None:
        if self._thread is None:
            loop = asyncio.get_running_loop()
            name, target = "journal", self._work
            self._thread = threading.Thread(name=name, target=target, args=(loop,), daemon=True)
            self._thread.start()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._closed and self.error is None:
            self._wanted.wait()
            self._wanted.clear()
            with self._writing:
                group = self._write_group() if not self._closed else []
            with suppress(RuntimeError):  # the event loop may have ended
                loop.call_soon_threadsafe(self._release, group)

    def _write_group(self) -> list[Entry]:
        group: list[Entry] = []
        while self._entries:
            group.append(self._entries.popleft())
        try:
            if group:
                self._write(group)
        except OSError as error:
            self.error = error
            return []
        return group

    def _release(self, group: Sequence[Entry]) -> None:
        if group:
            self._durable = group[-1].seq
            self._on_written(group)
        while self._waiters and (self.error or self._waiters[0][0] <= self._durable):
            self._waiters.popleft()[1].set()

    def close(self) -> None:
        """Writes what is left, and ends the thread."""
        self._closed = True
        self._wanted.set()
        with self._writing:
            if self.error is None:
                self._write_group()

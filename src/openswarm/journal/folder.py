"""The journal on disk: one folder a run, `events.jsonl` and `blobs/`, written off the event loop.

Writes are group-committed (`writer`). The folder is locked while a process writes to it.
"""

import fcntl
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from openswarm.core.errors import JournalError
from openswarm.core.events import AnyEvent
from openswarm.journal.journal import Stamping
from openswarm.journal.lines import EVENTS_FILE, parse_line, read_events, whole_lines
from openswarm.journal.writer import Entry, GroupWriter

LOCK_FILE = "lock"
BLOBS = "blobs"


class FolderJournal(Stamping):
    """A journal that lives in a folder. Use `create` or `reopen`, and `close` at the end."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(folder.name, clock)
        self.folder = folder
        self._lock = -1
        self._file = -1
        self._unwritten: dict[str, bytes] = {}
        """Blobs that are on their way to the disk."""
        self._written_blobs: set[str] = set()
        self._writer = GroupWriter(self._write_group, self._forget)

    @classmethod
    def create(cls, folder: Path, clock: Callable[[], float] = time.time) -> "FolderJournal":
        """A new run folder, locked."""
        journal = cls(folder, clock)
        try:
            folder.mkdir(parents=True, mode=0o700)  # pages, files and patches are the user's own
            (folder / BLOBS).mkdir()
        except FileExistsError:
            raise JournalError(f"run {folder.name} exists already", "exists") from None
        except OSError as error:
            raise _disk_error(folder, error) from None
        journal._open()
        return journal

    @classmethod
    def reopen(cls, folder: Path, clock: Callable[[], float] = time.time) -> "FolderJournal":
        """An existing run folder, locked, its events read, a torn last line cut off."""
        if not (folder / EVENTS_FILE).is_file():
            raise JournalError(f"{folder} is not a run: it has no {EVENTS_FILE}", "no_run")
        journal = cls(folder, clock)
        journal._open()
        try:
            journal._read_back()
        except JournalError:
            journal.close()
            raise
        return journal

    def _open(self) -> None:
        try:
            self._lock = os.open(self.folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise JournalError(
                f"run {self.run_id} is alive in another process; follow it with:"
                f" openswarm watch {self.run_id}",
                "locked",
            ) from None
        except OSError as error:
            raise _disk_error(self.folder, error) from None
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self._file = os.open(self.folder / EVENTS_FILE, flags, 0o644)

    def _read_back(self) -> None:
        path = self.folder / EVENTS_FILE
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        for number, line in enumerate(whole_lines(data), 1):
            event = parse_line(line, f"{path}, line {number}")
            self._count = event.seq
            self._last_at = max(self._last_at, event.at)
        if whole < len(data):
            os.ftruncate(self._file, whole)
        self._writer.goes_on_after(self._count)

    def _record(self, event: AnyEvent) -> None:
        self._writer.add(Entry(event.model_dump_json().encode() + b"\n", event.seq))

    def events(self) -> Sequence[AnyEvent]:
        """See `Journal.events`. Read back from the file, so that a long run takes no memory."""
        written = read_events(self.folder / EVENTS_FILE)
        pending = (entry for entry in self._writer.pending() if not entry.blob)
        return [*written, *(parse_line(entry.data, "not written yet") for entry in pending)]

    def _keep_blob(self, name: str, data: bytes) -> None:
        if name not in self._written_blobs and name not in self._unwritten:
            self._unwritten[name] = data
            self._writer.add(Entry(data, self._count, blob=name))

    def _read_blob(self, name: str) -> bytes:
        pending = self._unwritten.get(name)
        return pending if pending is not None else read_blob(self.folder, name)

    async def commit(self) -> None:
        """See `Journal.commit`."""
        try:
            await self._writer.written(self._count)
        except OSError as error:
            raise _disk_error(self.folder, error) from None

    def _write_group(self, group: Sequence[Entry]) -> None:
        """Blobs first: an event never names one that is not there."""
        for entry in group:
            if entry.blob:
                path = self.folder / BLOBS / entry.blob
                temporary = path.with_suffix(".part")
                temporary.write_bytes(entry.data)
                temporary.replace(path)
        lines = b"".join(entry.data for entry in group if not entry.blob)
        if lines:
            _write_all(self._file, lines)
            getattr(os, "fdatasync", os.fsync)(self._file)

    def _forget(self, group: Sequence[Entry]) -> None:
        for entry in group:
            if entry.blob:
                self._written_blobs.add(entry.blob)
                del self._unwritten[entry.blob]

    def close(self) -> None:
        """Writes what is left and gives the folder free."""
        self._writer.close()
        for descriptor in (self._file, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._lock = -1


def read_blob(folder: Path, name: str) -> bytes:
    """A blob of a run folder. The name is a hash and nothing else: no path leads out of it."""
    if len(name) != 64 or not all(c in "0123456789abcdef" for c in name):
        raise JournalError(f"{name[:80]!r} is not the name of a blob", "damaged")
    try:
        return (folder / BLOBS / name).read_bytes()
    except FileNotFoundError:
        raise JournalError(f"{folder}: blob {name} is missing", "damaged") from None


def is_alive(folder: Path) -> bool:
    """Whether a process holds the run's lock."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # who looks meets no other one
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _disk_error(folder: Path, error: OSError) -> JournalError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return JournalError(
        f"cannot write to {folder}: {reason}. Nothing that was written is lost: make room or give"
        f" access there, then: openswarm resume {folder.name}",
        "disk",
    )

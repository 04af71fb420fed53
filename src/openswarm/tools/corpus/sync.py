"""Bringing the index up to date with the files: what is new or changed is read, the rest is kept.

One process at a time does so for a corpus; the next one finds nothing left to do. The work is
committed batch by batch, so an interrupted build goes on where it stopped.
"""

import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from openswarm.core.errors import SettingsError
from openswarm.tools.corpus.discovery import MAX_FILE_BYTES, File, Skipped, printable
from openswarm.tools.corpus.index import Entry, Index, State
from openswarm.tools.corpus.readers import Unreadable, read

BATCH_FILES = 256
BATCH_BYTES = 16 * 1024 * 1024
LOCK_POLL_S = 0.05

Progress = Callable[[int, int], None]
"""Told how many files are done, and of how many."""


@asynccontextmanager
async def locked(file: Path) -> AsyncIterator[None]:
    """Holds the lock of a corpus; waits while another process holds it."""
    descriptor = await anyio.to_thread.run_sync(_open_lock, file)
    try:
        while not _try_lock(descriptor):  # noqa: ASYNC110 - another process tells nothing
            await anyio.sleep(LOCK_POLL_S)
        yield
    finally:
        os.close(descriptor)


async def synchronise(index: Index, files: Sequence[File], progress: Progress) -> list[Skipped]:
    """Reads what is new or changed, drops what is gone. Returns what cannot be read.

    The caller holds the lock.
    """
    known = await anyio.to_thread.run_sync(index.states)
    gone = known.keys() - {file.source for file in files}
    if gone:
        await anyio.to_thread.run_sync(index.drop, gone)
    stale = [file for file in files if not _is_fresh(file, known.get(file.source))]
    skipped = [
        Skipped(file.source, known[file.source].unreadable)
        for file in files
        if _is_fresh(file, known.get(file.source)) and known[file.source].unreadable
    ]
    done = len(files) - len(stale)
    progress(done, len(files))
    for batch in _batches(stale):
        skipped += await anyio.to_thread.run_sync(_take_in, index, batch, known)
        done += len(batch)
        progress(done, len(files))
    return skipped


def _batches(files: Sequence[File]) -> Iterator[list[File]]:
    batch: list[File] = []
    size = 0
    for file in files:
        if batch and (len(batch) == BATCH_FILES or size + file.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def _take_in(index: Index, files: Sequence[File], known: dict[str, State]) -> list[Skipped]:
    """Reads a batch of files and writes what they hold."""
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    for file in files:
        try:
            entry = _read(file, known.get(file.source))
        except (OSError, Unreadable) as error:
            # nothing is noted, so that the next opening of the corpus tries again
            index.drop([file.source])
            skipped.append(Skipped(file.source, getattr(error, "strerror", None) or str(error)))
            continue
        if entry.unreadable:
            skipped.append(Skipped(file.source, entry.unreadable))
        entries.append(entry)
    index.write(entries)
    return skipped


def _read(file: File, before: State | None) -> Entry:
    """What a file holds; it is not parsed again if only its time has changed."""
    with file.path.open("rb") as stream:
        data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise Unreadable(f"it is larger than {MAX_FILE_BYTES // 2**20} MB")
    digest = hashlib.sha256(data).hexdigest()
    entry = Entry(file.source, file.name, file.size, file.mtime_ns, digest)
    if before and (before.digest, before.name) == (digest, file.name):
        return entry._replace(unreadable=before.unreadable)
    try:
        return entry._replace(reading=read(data, printable(file.path.name)))
    except Unreadable as error:
        if error.lasting:
            return entry._replace(unreadable=str(error))
        raise


def _is_fresh(file: File, state: State | None) -> bool:
    return state is not None and (file.name, file.size, file.mtime_ns) == (
        state.name,
        state.size,
        state.mtime_ns,
    )


def _open_lock(file: Path) -> int:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SettingsError(
            f"cannot write to {file.parent}: {error.strerror}; give access there, or let"
            " OPENSWARM_HOME name another folder"
        ) from None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

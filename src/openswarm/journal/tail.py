"""Following a run of another process: replay, then what comes, by reading on in its file."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.to_thread

from openswarm.core.errors import JournalError
from openswarm.core.events import AnyEvent, is_over
from openswarm.journal.folder import is_alive
from openswarm.journal.lines import EVENTS_FILE, parse_line

POLL_S = 0.1
CHUNK_BYTES = 4 * 1024 * 1024


async def tail(folder: Path, from_seq: int = 0) -> AsyncIterator[AnyEvent]:
    """The events after `from_seq`, then new ones as they are written.

    Ends with the answer, or when no process writes any more. Raises `JournalError`.
    """
    offset, rest, answered = 0, b"", False
    while True:
        alive, chunk = await anyio.to_thread.run_sync(_look, folder, offset)
        offset += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            event = parse_line(line, str(folder / EVENTS_FILE))
            answered = is_over(event, answered)
            if event.seq > from_seq:
                yield event
        if not chunk:
            if answered or not alive:
                return
            await anyio.sleep(POLL_S)


def _look(folder: Path, offset: int) -> tuple[bool, bytes]:
    """Whether the run was alive before it was read, and what was read."""
    alive = is_alive(folder)
    try:
        with (folder / EVENTS_FILE).open("rb") as file:
            file.seek(offset)
            return alive, file.read(CHUNK_BYTES)
    except FileNotFoundError:
        raise JournalError(f"{folder} is not a run: it has no {EVENTS_FILE}", "no_run") from None

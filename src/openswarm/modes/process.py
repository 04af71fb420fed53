"""What a wide run wants of its process: open files, and a garbage collector that seldom runs."""

import gc
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

OPEN_FILES = 8_192
COLLECT_EVERY = 200_000
"""Objects between two collections while a run is at work. A run keeps what it makes, so that the
usual 700 only has the same live objects looked at again, for a tenth of the processor time."""


def raise_open_files() -> None:
    """A thousand connections need more open files than the usual soft limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Collects garbage less often; the process's own setting is put back afterwards.

    Of runs at the same time the first one changes the setting and puts it back.
    """
    before = gc.get_threshold()
    if not 0 < before[0] < COLLECT_EVERY:
        yield
        return
    gc.set_threshold(COLLECT_EVERY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)

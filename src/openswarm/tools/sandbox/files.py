"""The files that code leaves in its scratch folder, looked at from outside without trusting them.

The folder belongs to the code: links, pipes, devices, holes and races are to be expected. Nothing
is opened but by its own folder's descriptor, no link is followed, and only plain files are read.
"""

import mimetypes
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

MOST_ENTRIES = 5000
COUNTED_ENTRIES = 100_000
COUNTED_DEEP = 200
"""Beyond that not even a clean-up gets, which is recursive."""
MOST_DEEP = 12
MOST_FILES = 20
MOST_BYTES = 10 << 20
"""Of one file that is handed back."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
UNKNOWN = "application/octet-stream"
SKIPPED = frozenset({"__pycache__", "node_modules"})

State = Mapping[str, tuple[int, int, int, int]]
"""Inode, size and times of change of the plain files, by path within the folder."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is new or changed."""

    name: str
    data: bytes
    problem: str = ""
    """Why its contents are not handed back; '' if they are."""
    media_type: str = ""


def state(folder: Path) -> State:
    """What is there now. Hidden files are the code's own business."""
    return dict(_walk(folder))


def changed(folder: Path, before: State) -> tuple[list[Found], int]:
    """The files that are new or changed since, the newest first, and how many more there are."""
    now = state(folder)
    names = [name for name in now if now[name] != before.get(name)]
    names.sort(key=lambda name: now[name][2:], reverse=True)
    return [_read(folder, name) for name in names[:MOST_FILES]], max(0, len(names) - MOST_FILES)


def is_fuller(folder: Path, most_bytes: int) -> bool:
    """Whether the folder takes more of the disk than that, or holds more than can be looked at:
    too many files, folders too deep, folders that may not be entered. Hidden ones count too."""
    left, size = COUNTED_ENTRIES, 0
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            for name, found in _all_in(folder, prefix, left):
                left -= 1
                size += found.st_blocks * 512
                if stat.S_ISDIR(found.st_mode):
                    waiting.append(f"{prefix}{name}/")
        except PermissionError:
            return True
        except OSError:
            continue  # it has just been taken away
        if left <= 0 or size > most_bytes or prefix.count("/") > COUNTED_DEEP:
            return True
    return False


def _all_in(folder: Path, prefix: str, most: int) -> list[tuple[str, os.stat_result]]:
    """What stands in one folder. Raises `OSError`."""
    with _opened(folder, prefix.rstrip("/"), FOLDER) as place, os.scandir(place) as entries:
        return [(e.name, e.stat(follow_symlinks=False)) for e in islice(entries, most)]


def _walk(folder: Path) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """Plain files below a folder, so many at most."""
    left = MOST_ENTRIES
    waiting = [""]
    while waiting and left > 0:
        prefix = waiting.pop()
        for name, found in _entries(folder, prefix, left):
            left -= 1
            if stat.S_ISREG(found.st_mode):
                times = (found.st_mtime_ns, found.st_ctime_ns)
                yield prefix + name, (found.st_ino, found.st_size, *times)
            elif stat.S_ISDIR(found.st_mode) and _goes_in(prefix, name):
                waiting.append(f"{prefix}{name}/")


def _entries(folder: Path, prefix: str, most: int) -> list[tuple[str, os.stat_result]]:
    """What stands in one folder; nothing if it has just been taken away."""
    found = []
    try:
        with _opened(folder, prefix.rstrip("/"), FOLDER) as place, os.scandir(place) as entries:
            found += [
                (entry.name, entry.stat(follow_symlinks=False))
                for entry in islice(entries, most)
                if not entry.name.startswith(".") and _is_text(entry.name)
            ]
    except OSError:
        return []
    return found


def _goes_in(prefix: str, name: str) -> bool:
    return name not in SKIPPED and prefix.count("/") < MOST_DEEP


def _is_text(name: str) -> bool:
    """Whether a name can be written down."""
    return name.isprintable() and not any("\ud800" <= char <= "\udfff" for char in name)


@contextmanager
def _opened(folder: Path, name: str, flags: int) -> Iterator[int]:
    """A path within a folder, opened one component after the other, none of them a link."""
    with ExitStack() as stack:
        place = os.open(folder, FOLDER)
        stack.callback(os.close, place)
        parts = name.split("/") if name else []
        for number, part in enumerate(parts, 1):
            place = os.open(part, flags if number == len(parts) else FOLDER, dir_fd=place)
            stack.callback(os.close, place)
        yield place


def _read(folder: Path, name: str) -> Found:
    try:
        with _opened(folder, name, FILE) as file:
            return _contents(file, name)
    except OSError:
        return Found(name, b"", "it could not be read")


def _contents(descriptor: int, name: str) -> Found:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        return Found(name, b"", "it is a link or no plain file")
    if found.st_size > MOST_BYTES:
        return Found(name, b"", f"{found.st_size} bytes are too many to hand back")
    with os.fdopen(os.dup(descriptor), "rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        return Found(name, b"", "it grew while it was read")
    return Found(name, data, media_type=mimetypes.guess_type(name)[0] or UNKNOWN)

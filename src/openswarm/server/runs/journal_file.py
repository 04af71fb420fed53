"""A journal's file as lines that are passed on as they are: read from a place, up to a place.

The lines come from a folder that anybody may have written. Each is checked to be one JSON object
with a sequence number, and nothing that could end a line of a stream; what its fields mean is
the reader's business. To parse them as events would cost three times as much.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson

from openswarm.core.errors import JournalError
from openswarm.journal.lines import EVENTS_FILE, MAX_LINE_BYTES

CHUNK_BYTES = 1024 * 1024


class Line(NamedTuple):
    """An event: its number, its line without the line feed, and the byte after that."""

    seq: int
    data: bytes
    end: int


class Lines(NamedTuple):
    """Whole lines of a file, from the byte `begin` up to the byte `end`."""

    begin: int
    end: int
    entries: list[Line]


def read_lines(folder: Path, begin: int, until: int | None = None) -> Lines:
    """The lines after a place, about a megabyte at most; empty at the end of what is whole.

    `begin` and `until` are ends of lines. Blocks. Raises `JournalError` for damage.
    """
    with _opened(folder) as file:
        data = _whole_lines(file, begin, until)
    entries: list[Line] = []
    end = begin
    for line in data.split(b"\n")[:-1]:
        end += len(line) + 1
        if line.strip():
            entries.append(Line(_seq_of(line, folder / EVENTS_FILE), line, end))
    return Lines(begin, begin + len(data), entries)


def end_of_lines(folder: Path) -> int:
    """The place after the last whole line; what comes after it is being written, or torn."""
    with _opened(folder) as file:
        place = file.seek(0, os.SEEK_END)
        while place > 0:
            size = min(CHUNK_BYTES, place)
            file.seek(place - size)
            found = file.read(size).rfind(b"\n")
            if found >= 0:
                return place - size + found + 1
            place -= size
    return 0


def place_after(folder: Path, seq: int) -> int:
    """The place after the event of that number; the start where there is no such event."""
    begin = 0
    while seq > 0:
        lines = read_lines(folder, begin)
        for line in lines.entries:
            if line.seq >= seq:
                return line.end if line.seq == seq else 0
        if lines.end == begin:
            return 0
        begin = lines.end
    return 0


def _opened(folder: Path) -> BinaryIO:
    """The journal's file; what only looks like one, a link or a pipe, is no run's."""
    path = folder / EVENTS_FILE
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise JournalError(f"{folder} is not a run: it has no {EVENTS_FILE}", "no_run") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise JournalError(f"{path} is not a file", "damaged")
    return os.fdopen(descriptor, "rb")


def _whole_lines(file: BinaryIO, begin: int, until: int | None) -> bytes:
    """Bytes that end with a line feed, or none."""
    file.seek(begin)
    data = b""
    while len(data) <= MAX_LINE_BYTES:
        left = CHUNK_BYTES if until is None else min(CHUNK_BYTES, until - begin - len(data))
        more = file.read(left)
        data += more
        end = data.rfind(b"\n") + 1
        if end or not more:
            return data[:end]
    raise JournalError(f"{file.name}: a line is over {MAX_LINE_BYTES} bytes", "damaged")


def _seq_of(line: bytes, file: Path) -> int:
    try:
        event = orjson.loads(line)
        seq = event["seq"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        seq = None
    if type(seq) is not int or seq < 1 or b"\r" in line:
        start = line[:80].decode("ascii", "replace")
        raise JournalError(f"{file} is damaged: {start!r} is not an event", "damaged")
    return seq

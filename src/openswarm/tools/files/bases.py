"""What each changed file was made from: an index beside an agent's upper.

A line is on the disk before the change that it belongs to. A line that a crash cut off is as if it
had not been written, since then the change was not made either.
"""

import json
import time
from pathlib import Path

from pydantic import ValidationError

from openswarm.core.frozen import Frozen
from openswarm.tools.files.disk import append_durably, put_durably
from openswarm.tools.files.finding import Parts
from openswarm.tools.files.versions import Version

INDEX = "index.jsonl"
COPIES = "copies"


class Line(Frozen):
    """A line of the index."""

    path: Parts = ()
    version: Version | None = None
    """None: forget the path."""
    since: int = 0
    """Nanoseconds: up to here it is known what was made from which version."""


class Bases:
    """The versions that the changed files of a working copy were made from."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds the index and copies of the contents."""
        self._folder = folder
        self._versions: dict[Parts, Version] | None = None
        self._since = 0

    @property
    def since(self) -> int:
        """From when on a changed base may differ from what an unnoted change was made from, in
        nanoseconds."""
        self._load()
        return self._since

    def start(self) -> None:
        """Begins the index, unless there is one."""
        (self._folder / COPIES).mkdir(parents=True, exist_ok=True)
        if not self.since:
            self.mark_time()

    def get(self, path: Parts) -> Version | None:
        """The version that a path was made from; None if that was not noted."""
        return self._load().get(path)

    def remember(self, path: Parts, version: Version, data: bytes) -> None:
        """Notes the version of a path and keeps its content. Raises `OSError`."""
        if version.kept:
            copy = self._folder / COPIES / version.sha
            if not copy.exists():
                put_durably(copy, data)
        self._add(Line(path=path, version=version))
        self._load()[path] = version

    def forget(self, path: Parts) -> None:
        """Forgets a path whose change was merged. Raises `OSError`."""
        if self._load().pop(path, None) is not None:
            self._add(Line(path=path))

    def mark_time(self) -> None:
        """Says that every change up to now is noted. Raises `OSError`."""
        now = _now()
        self._add(Line(since=now))
        self._since = now

    def content(self, version: Version) -> bytes | None:
        """The content of a version that was noted, or None where it was not kept."""
        try:
            return (self._folder / COPIES / version.sha).read_bytes() if version.kept else None
        except FileNotFoundError:
            return None

    def _add(self, line: Line) -> None:
        # it begins a line of its own, whatever a crash left of the one before
        append_durably(self._folder / INDEX, b"\n" + line.model_dump_json().encode())

    def _load(self) -> dict[Parts, Version]:
        if self._versions is None:
            self._versions = {}
            for text in self._lines():
                self._take(text)
        return self._versions

    def _take(self, text: bytes) -> None:
        assert self._versions is not None
        try:
            line = Line.model_validate(json.loads(text))
        except (ValueError, ValidationError):
            return
        if line.version is not None:
            self._versions[line.path] = line.version
        elif line.path:
            self._versions.pop(line.path, None)
        self._since = line.since or self._since

    def _lines(self) -> list[bytes]:
        try:
            return (self._folder / INDEX).read_bytes().split(b"\n")
        except FileNotFoundError:
            return []


def _now() -> int:
    """The time by the clock that stamps files, which ticks more slowly than others."""
    clock = getattr(time, "CLOCK_REALTIME_COARSE", time.CLOCK_REALTIME)
    return time.clock_gettime_ns(clock)

"""Where a path leads inside a root: link by link, folder by folder, never out of it."""

import errno
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from openswarm.core.errors import ToolError
from openswarm.tools.files.merged import Entry, Folder

MOST_LINKS = 40
MOST_PARTS = 100
MOST_NAME_BYTES = 255

Parts = tuple[str, ...]
"""A path inside a root, without `.`, `..` and empty names."""


@dataclass(frozen=True, slots=True)
class Found:
    """A place in a root. `entry` is None where nothing stands yet."""

    path: Parts
    """The path without links."""
    folder: Folder
    """The folder that holds it, as long as an entry stands there."""
    entry: Entry | None

    @property
    def name(self) -> str:
        """Its name in the folder; the root itself is called `.` there."""
        return self.path[-1] if self.path else "."


def parts_of(path: str) -> Parts:
    """The names of a path that a model wrote. Raises `ToolError` for what leads out of a root."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ToolError("the path holds characters that no file name has") from None
    if "\0" in path:
        raise ToolError("the path holds a NUL character, which no file name has")
    if path.startswith(("/", "~")):
        raise ToolError("absolute paths are not used here; write the path as `glob` lists it")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if ".." in parts:
        raise ToolError("`..` is not used here; write the path as `glob` lists it")
    if len(parts) > MOST_PARTS or any(len(part.encode()) > MOST_NAME_BYTES for part in parts):
        raise ToolError("the path is too long for a file")
    return parts


Inside = Callable[[str], Parts | None]
"""The path in the root that an absolute path of the computer names, or None if it is outside."""


@contextmanager
def find(top: Folder, parts: Parts, inside: Inside) -> Iterator[Found]:
    """The place that a path names. Its folders stay open as long as the context.

    Raises `ToolError` when a link leads out of the root, `OSError` when a folder is none.
    """
    with ExitStack() as opened:
        yield _Walk(top, opened, inside).to(parts)


@dataclass
class _Walk:
    """A way down from the root; `..` in a link goes back up, but not above the root."""

    top: Folder
    opened: ExitStack
    inside: Inside
    folders: list[Folder] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    links: int = 0

    def to(self, parts: Parts) -> Found:
        self.folders = [self.top]
        pending = deque(parts)
        while pending:
            name = pending.popleft()
            if name == "..":
                self._up()
                continue
            folder = self.folders[-1]
            entry = folder.look(name)
            if entry is not None and entry.is_link:
                pending.extendleft(reversed(self._target(folder.link(name, entry))))
            elif entry is None:
                return self._missing(name, pending)
            elif not pending:
                return Found((*self.path, name), folder, entry)
            else:
                self._down(name)
        top = self.folders[-1]
        descriptor = top.upper if top.upper is not None else top.base
        assert descriptor is not None
        entry = Entry(os.fstat(descriptor), top.upper is not None)
        return Found(tuple(self.path), top, entry)

    def _missing(self, name: str, pending: deque[str]) -> Found:
        path = (*self.path, name, *pending)
        if ".." in path:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return Found(path, self.folders[-1], None)

    def _down(self, name: str) -> None:
        folder = self.folders[-1].enter(name)
        self.opened.callback(folder.close)
        self.folders.append(folder)
        self.path.append(name)

    def _up(self) -> None:
        if not self.path:
            raise ToolError("a link there leads out of the folder, which is not followed")
        self.path.pop()
        self.folders.pop()

    def _target(self, target: str) -> list[str]:
        """The names that take the place of a link's name."""
        self.links += 1
        if self.links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if target.startswith("/"):
            parts = self.inside(target)
            if parts is None:
                raise ToolError("a link there leads out of the folder, which is not followed")
            self.path, self.folders = [], [self.top]
            return list(parts)
        return [part for part in target.split("/") if part not in ("", ".")]

"""The working copy of one agent in one root: the root, under what the agent wrote.

On disk it is a folder: `upper` in overlayfs's format, which a shell may mount, and beside it what
the shell has no business with. All is synchronous, for a thread; one thread at a time writes.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from openswarm.core.errors import ToolError
from openswarm.tools.files.bases import Bases
from openswarm.tools.files.disk import held, trouble, write_all
from openswarm.tools.files.finding import Found, Parts, find
from openswarm.tools.files.merged import (
    OPAQUE,
    Entry,
    Folder,
    Identity,
    enter_plain,
    lstat,
    open_folder,
)
from openswarm.tools.files.roots import Root
from openswarm.tools.files.secrets import is_git
from openswarm.tools.files.versions import (
    ABSENT,
    UNKNOWN,
    Version,
    changed_ns,
    version_in,
    version_of,
)

MOST_BYTES = 16_000_000
"""Larger files are not read whole."""


class Snapshot(NamedTuple):
    """A file as the agent sees it."""

    path: Parts
    data: bytes | None
    """None: it does not exist."""
    version: Version
    in_upper: bool


class WorkingCopy:
    """What one agent sees of a root, and where it writes."""

    def __init__(self, root: Root, folder: Path, hidden: frozenset[Identity]) -> None:
        self.root = root
        self.folder = folder
        self.upper = folder / "upper"
        self.bases = Bases(folder)
        self.hidden = hidden
        self._staging = folder / "staging"

    @property
    def exists(self) -> bool:
        """Whether the agent may have written here."""
        return self.upper.is_dir()

    def start(self) -> None:
        """Makes the folders. Raises `ToolError`."""
        try:
            self.upper.mkdir(parents=True, exist_ok=True)
            self._staging.mkdir(exist_ok=True)
            self.bases.start()
        except OSError as error:
            raise trouble("the working copy cannot be made", error) from None

    @contextmanager
    def view(self) -> Iterator[Folder]:
        """The top of the merged view. Raises `ToolError` if the root is gone."""
        with ExitStack() as opened:
            try:
                base = opened.enter_context(held(open_folder(self.root.path)))
                upper = opened.enter_context(held(open_folder(self.upper))) if self.exists else None
            except OSError as error:
                raise trouble(f"the folder {self.root.name} cannot be opened", error) from None
            yield Folder(upper, base, self.hidden)

    @contextmanager
    def at(self, parts: Parts) -> Iterator[Found]:
        """The place that a path names. Every `OSError` of the block becomes a `ToolError`."""
        shown = self.root.shown(parts)
        try:
            with self.view() as top, find(top, parts, self.root.inside) as found:
                yield found
        except OSError as error:
            raise trouble(shown, error) from None
        except ToolError as error:
            raise ToolError(f"{shown}: {error}") from None

    def read(self, parts: Parts) -> Snapshot:
        """The file that a path names, or its absence. Raises `ToolError`."""
        with self.at(parts) as found:
            return read_found(found)

    def write(self, snapshot: Snapshot, data: bytes) -> Version:
        """Puts new content in the place of what was read there; it is durable on return.

        Raises `ToolError`; then nothing has changed.
        """
        if is_git(snapshot.path):
            raise ToolError("what git keeps in .git is not changed by file tools")
        try:
            if not self.exists:
                self.start()
            with self.view() as top, ExitStack() as opened:
                folder = self._upper_folder(top, snapshot.path[:-1], opened)
                self._remember(top, snapshot)
                return self._put(folder, snapshot, data)
        except OSError as error:
            raise trouble(self.root.shown(snapshot.path), error) from None

    def note(self, path: Parts, base: int) -> Version:
        """The version that a changed path was made from, found out now if it was not noted.

        Raises `OSError`.
        """
        noted = self.bases.get(path)
        if noted is not None:
            return noted
        version, data = version_in(base, path)
        if version.kind != "folder" and changed_ns(base, path) >= self.bases.since:
            version, data = UNKNOWN, b""
        self.bases.remember(path, version, data)
        return version

    def _remember(self, top: Folder, snapshot: Snapshot) -> None:
        if self.bases.get(snapshot.path) is not None:
            return
        if snapshot.data is not None and not snapshot.in_upper:
            self.bases.remember(snapshot.path, snapshot.version, snapshot.data)
        else:
            assert top.base is not None
            self.note(snapshot.path, top.base)

    def _put(self, folder: int, snapshot: Snapshot, data: bytes) -> Version:
        staged = self._staging / "write"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with held(os.open(staged, flags, 0o666)) as descriptor:
            if snapshot.data is not None:
                os.fchmod(descriptor, snapshot.version.mode)
            write_all(descriptor, data)
            os.fsync(descriptor)
            mode = os.fstat(descriptor).st_mode
        os.rename(staged, snapshot.path[-1], dst_dir_fd=folder)
        os.fsync(folder)
        return version_of(data, mode)

    def _upper_folder(self, top: Folder, path: Parts, opened: ExitStack) -> int:
        """The folder of the upper at a path, made as the base has it."""
        folder = top
        for name in path:
            entry = folder.look(name)
            if entry is None or not entry.in_upper:
                _make_upper(folder, name, entry)
            folder = folder.enter(name)
            opened.callback(folder.close)
        assert folder.upper is not None
        return folder.upper


def read_found(found: Found, most: int = MOST_BYTES) -> Snapshot:
    """The content of a place. Raises `ToolError` for a folder and for what is too large, `OSError`
    for what is neither file nor absent."""
    entry = found.entry
    if entry is None:
        return Snapshot(found.path, None, ABSENT, in_upper=False)
    if entry.is_folder:
        raise ToolError("it is a folder; list it with `glob`")
    descriptor = found.folder.open(found.name, entry)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(most + 1)
        mode = os.fstat(descriptor).st_mode
    if len(data) > most:
        raise ToolError(f"it is larger than {most // 1_000_000} MB; search it with `grep`")
    return Snapshot(found.path, data, version_of(data, mode), entry.in_upper)


def _make_upper(folder: Folder, name: str, entry: Entry | None) -> None:
    """Makes a folder in the upper: like the one of the base, or in the place of a deleted name."""
    assert folder.upper is not None
    if entry is not None:
        if not entry.is_folder:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        os.mkdir(name, stat.S_IMODE(entry.status.st_mode) | 0o700, dir_fd=folder.upper)
        os.fsync(folder.upper)
        return
    deleted = lstat(folder.upper, name) is not None
    if deleted:
        os.unlink(name, dir_fd=folder.upper)
    os.mkdir(name, dir_fd=folder.upper)
    if deleted:
        with held(enter_plain(name, folder.upper)) as made:
            _make_opaque(made)
    os.fsync(folder.upper)


def _make_opaque(folder: int) -> None:
    """Hides what the base has under the folder's name. Raises `OSError` if that cannot be."""
    error: OSError | None = None
    done = False
    for attribute in OPAQUE:
        try:
            os.setxattr(folder, attribute, b"y")
            done = True
        except OSError as refused:
            error = refused
    if not done and error is not None:
        raise error

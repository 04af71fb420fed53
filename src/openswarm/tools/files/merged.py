"""A folder as an agent sees it: its own layer, the upper, over the user's folder, the base.

Owns the rules by which two layers are one, which are overlayfs's: a name in the upper hides that of
the base, a device 0:0 is a deleted name, an opaque folder hides all that lies below it. Every name
is opened relative to the descriptor of its folder and no link is ever followed by the kernel, so
nothing that is moved or swapped meanwhile leads anywhere else.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

OPAQUE = ("user.overlay.opaque", "trusted.overlay.opaque")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

Identity = tuple[int, int]
"""Device and inode of a folder."""


class Entry(NamedTuple):
    """What stands under a name."""

    status: os.stat_result
    in_upper: bool

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file."""
        return stat.S_ISREG(self.status.st_mode)


class Folder:
    """A folder of the merged view: descriptors of its two layers, of which one may be missing."""

    def __init__(
        self, upper: int | None, base: int | None, hidden: frozenset[Identity] = frozenset()
    ) -> None:
        """`hidden` are folders that no agent sees, such as openswarm's own."""
        self.upper = upper
        self.base = base
        self._hidden = hidden

    def close(self) -> None:
        """Gives the descriptors back."""
        for descriptor in (self.upper, self.base):
            if descriptor is not None:
                os.close(descriptor)

    def look(self, name: str) -> Entry | None:
        """What stands under a name, a link itself and not where it leads; None: nothing."""
        if status := lstat(self.upper, name):
            return None if is_whiteout(status) else Entry(status, in_upper=True)
        return self._look_below(name)

    def _look_below(self, name: str) -> Entry | None:
        status = lstat(self.base, name)
        if status is None or (status.st_dev, status.st_ino) in self._hidden:
            return None
        return Entry(status, in_upper=False)

    def enter(self, name: str) -> "Folder":
        """The folder of that name. Raises `OSError` when it is none."""
        status = lstat(self.upper, name)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        upper = None if status is None else os.open(name, _FOLDER, dir_fd=self.upper)
        base = None
        try:
            if upper is None:
                base = os.open(name, _FOLDER, dir_fd=_required(self.base))
            elif not is_opaque(upper):
                base = self._enter_below(name)
        except BaseException:
            if upper is not None:
                os.close(upper)
            raise
        return Folder(upper, base, self._hidden)

    def _enter_below(self, name: str) -> int | None:
        entry = self._look_below(name)
        if entry is None or not entry.is_folder:
            return None
        try:
            return os.open(name, _FOLDER, dir_fd=self.base)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            raise

    def names(self) -> list[str]:
        """All names, sorted."""
        names = set[str]().union(*(names_in(fd) for fd in (self.upper, self.base)))
        return sorted(names)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Names and what stands under them, sorted by name."""
        for name in self.names():
            with contextlib.suppress(PermissionError):
                if entry := self.look(name):
                    yield name, entry

    def link(self, name: str, entry: Entry) -> str:
        """Where a link leads, as it is written."""
        return os.readlink(name, dir_fd=self.upper if entry.in_upper else self.base)

    def open(self, name: str, entry: Entry) -> int:
        """A descriptor of a plain file, to be read. Raises `OSError` for anything else."""
        return open_plain(name, self.upper if entry.in_upper else self.base)


def open_folder(path: str | os.PathLike[str]) -> int:
    """A descriptor of the folder at a trusted path."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def enter_plain(name: str, folder: int) -> int:
    """A descriptor of a folder inside a folder; a link is refused. Raises `OSError`."""
    return os.open(name, _FOLDER, dir_fd=folder)


def open_plain(name: str, folder: int | None) -> int:
    """A descriptor of a plain file in a folder, to be read. Never blocks, follows no link.

    Raises `OSError`, with EINVAL for what is neither a file nor absent.
    """
    descriptor = os.open(name, _FILE, dir_fd=_required(folder))
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is not a plain file")


def names_in(folder: int | None) -> set[str]:
    """The names in a folder by its descriptor; none if there is no such folder."""
    return set() if folder is None else set(os.listdir(folder))  # noqa: PTH208 - it has no path


def lstat(folder: int | None, name: str) -> os.stat_result | None:
    """The status of a name itself, or None if there is none."""
    if folder is None:
        return None
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def is_whiteout(status: os.stat_result) -> bool:
    """Whether it stands for a name that was deleted."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(folder: int) -> bool:
    """Whether a folder of an upper hides what the base has under its name."""
    for attribute in OPAQUE:
        with contextlib.suppress(OSError, AttributeError):
            if os.getxattr(folder, attribute) == b"y":
                return True
    return False


def _required(folder: int | None) -> int:
    if folder is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return folder

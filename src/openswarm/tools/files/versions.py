"""What stands at a path at some moment, told apart by its content: the versions that a merge
compares."""

import hashlib
import os
import stat
from typing import Literal

from openswarm.core.frozen import Frozen
from openswarm.tools.files.disk import held
from openswarm.tools.files.merged import enter_plain, is_whiteout, lstat, open_plain

KEPT_BYTES = 10_000_000
"""Files up to this size are kept as they were, merged by lines, and shown in patches."""
CHUNK = 1 << 20

Kind = Literal["absent", "file", "link", "folder", "other", "unknown"]


class Version(Frozen):
    """One state of a path. `unknown` is equal to nothing."""

    kind: Kind = "absent"
    sha: str = ""
    """SHA-256 of the content, or of where a link leads."""
    mode: int = 0
    """Permission bits of a file."""
    size: int = 0

    def same(self, other: "Version") -> bool:
        """Whether nothing has changed from one to the other."""
        return self == other and self.kind != "unknown"

    @property
    def kept(self) -> bool:
        """Whether it is small enough that its content is kept."""
        return self.kind in ("file", "link") and self.size <= KEPT_BYTES


ABSENT = Version()
UNKNOWN = Version(kind="unknown")


def version_of(data: bytes, mode: int) -> Version:
    """The version of a file with this content."""
    sha = hashlib.sha256(data).hexdigest()
    return Version(kind="file", sha=sha, mode=stat.S_IMODE(mode) & 0o777, size=len(data))


def version_at(folder: int | None, name: str) -> tuple[Version, bytes]:
    """What stands under a name, and its content where that is kept; a link's is where it leads.

    Raises `OSError` where it cannot be read.
    """
    status = lstat(folder, name)
    if status is None or is_whiteout(status):
        return ABSENT, b""
    if stat.S_ISDIR(status.st_mode):
        return Version(kind="folder"), b""
    if stat.S_ISLNK(status.st_mode):
        target = os.fsencode(os.readlink(name, dir_fd=folder))
        sha = hashlib.sha256(target).hexdigest()
        return Version(kind="link", sha=sha, size=len(target)), target
    if not stat.S_ISREG(status.st_mode):
        return Version(kind="other"), b""
    with held(open_plain(name, folder)) as descriptor:
        return _read(descriptor)


def version_in(root: int, path: tuple[str, ...]) -> tuple[Version, bytes]:
    """What stands at a path below a folder; absent where a part of it is no folder."""
    try:
        folder = descend(root, path[:-1])
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT, b""
    with held(folder):
        return version_at(folder, path[-1])


def changed_ns(root: int, path: tuple[str, ...]) -> int:
    """When a path below a folder last changed, in nanoseconds; 0 if nothing stands there."""
    try:
        folder = descend(root, path[:-1])
    except (FileNotFoundError, NotADirectoryError):
        return 0
    with held(folder):
        status = lstat(folder, path[-1])
    return 0 if status is None else status.st_ctime_ns


def descend(root: int, path: tuple[str, ...], *, make: bool = False) -> int:
    """A new descriptor of the folder at a path; `make` makes what is missing.

    Raises `OSError`; a link on the way is `NotADirectoryError`.
    """
    here = os.dup(root)
    try:
        for name in path:
            if make and lstat(here, name) is None:
                os.mkdir(name, dir_fd=here)
            below = enter_plain(name, here)
            os.close(here)
            here = below
    except BaseException:
        os.close(here)
        raise
    return here


def _read(descriptor: int) -> tuple[Version, bytes]:
    """Reads to the end, keeping no more than `KEPT_BYTES`."""
    digest, kept, size = hashlib.sha256(), bytearray(), 0
    while chunk := os.read(descriptor, CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if size <= KEPT_BYTES:
            kept += chunk
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o777
    version = Version(kind="file", sha=digest.hexdigest(), mode=mode, size=size)
    return version, bytes(kept) if version.kept else b""

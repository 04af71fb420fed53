"""Which files a corpus is made of: walks the sources and names each document.

Reads no file. Hidden files and folders, `.git`, `node_modules` and `__pycache__` are passed over
quietly; everything else that is left out is reported.
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from openswarm.core.errors import UserError

MAX_FILE_BYTES = 20 * 1024 * 1024

_IGNORED = frozenset({"node_modules", "__pycache__"})
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Skipped(NamedTuple):
    """What was left out, and why."""

    source: str
    reason: str


class File(NamedTuple):
    """A file of the corpus: the document's name, and the state that tells whether it changed."""

    name: str
    source: str
    """The path or the address that it is known by."""
    path: Path
    size: int
    mtime_ns: int


class Found(NamedTuple):
    """The files of all sources, and what was left out."""

    files: tuple[File, ...]
    skipped: tuple[Skipped, ...]


def is_url(source: str) -> bool:
    """Whether a source is an address and not a path."""
    return source.lower().startswith(("http://", "https://"))


def resolve(source: str) -> Path:
    """The real path of a source. Raises `UserError` if there is nothing."""
    if "://" in source:
        raise UserError(f"--over {source}: only http and https addresses can be read")
    try:
        return Path(source).expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise UserError(
            f"--over {source}: there is no such file or folder; check the path"
        ) from None


def find_files(roots: Sequence[Path]) -> Found:
    """The readable files under resolved roots, each once, sorted by name, uniquely named."""
    walk = _Walk()
    labelled = zip(roots, _unique(root.name or "root" for root in roots), strict=True)
    for root, label in labelled:
        walk.take_root(root, label)
    return Found(_named(walk.taken), tuple(walk.skipped))


def printable(text: str) -> str:
    """A path as text that can be stored and shown, whatever bytes it is made of."""
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub("?", os.fsencode(text).decode("utf-8", "backslashreplace"))


class _Taken(NamedTuple):
    label: str
    name: str
    path: str
    state: os.stat_result


class _Walk:
    """One walk over all roots; a file that is reached twice is taken once.

    Paths are strings here, which is several times as fast as `Path`.
    """

    def __init__(self) -> None:
        self.taken: list[_Taken] = []
        self.skipped: list[Skipped] = []
        self._seen: set[str] = set()

    def take_root(self, root: Path, label: str) -> None:
        if not root.is_dir():
            self._take(str(root), root.name, label)
            return
        folder = f"{str(root).rstrip(os.sep)}{os.sep}"
        links: list[str] = []
        for path in self._files_under(folder, links):
            self._take(path, path.removeprefix(folder), label)
        for link in links:
            # after the files themselves, so that a file is named by its own place
            self._take_link(link, root, label)

    def _files_under(self, root: str, links: list[str]) -> Iterator[str]:
        folders = [root]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as scanned:
                    entries = sorted(scanned, key=lambda entry: entry.name)
            except OSError as error:
                self._skip(folder, _because(error))
                continue
            for entry in entries:
                if entry.name.startswith(".") or entry.name in _IGNORED:
                    continue
                if entry.is_symlink():
                    links.append(entry.path)
                elif entry.is_dir():
                    folders.append(entry.path)
                else:
                    yield entry.path

    def _take_link(self, link: str, root: Path, label: str) -> None:
        try:
            target = Path(link).resolve(strict=True)
        except (OSError, RuntimeError):
            self._skip(link, "it is a link that leads nowhere")
            return
        if not target.is_relative_to(root):
            self._skip(link, "it is a link that leads out of the folder")
        elif target.is_file():
            self._take(str(target), Path(link).relative_to(root).as_posix(), label)

    def _take(self, path: str, name: str, label: str) -> None:
        if path in self._seen:
            return
        self._seen.add(path)
        try:
            state = os.lstat(path)
        except OSError as error:
            self._skip(path, _because(error))
            return
        if not stat.S_ISREG(state.st_mode):
            self._skip(path, "it is not a regular file")
        elif state.st_size > MAX_FILE_BYTES:
            self._skip(path, f"it is larger than {MAX_FILE_BYTES // 2**20} MB")
        else:
            self.taken.append(_Taken(label, printable(name), path, state))

    def _skip(self, path: str, reason: str) -> None:
        self.skipped.append(Skipped(printable(path), reason))


def _named(taken: Sequence[_Taken]) -> tuple[File, ...]:
    """The documents' names: the path inside the root, led by the root's name where two collide."""
    count = Counter(entry.name for entry in taken)
    names = _unique(
        entry.name if count[entry.name] == 1 else f"{entry.label}/{entry.name}" for entry in taken
    )
    files = (
        File(name, printable(path), Path(path), state.st_size, state.st_mtime_ns)
        for name, (_, _, path, state) in zip(names, taken, strict=True)
    )
    return tuple(sorted(files))


def _unique(names: Iterable[str]) -> list[str]:
    """The names, a number behind those that are taken already."""
    unique: dict[str, None] = {}
    for name in names:
        number, candidate = 1, name
        while candidate in unique:
            number += 1
            candidate = f"{name}-{number}"
        unique[candidate] = None
    return list(unique)


def _because(error: OSError) -> str:
    return (error.strerror or str(error)).lower()

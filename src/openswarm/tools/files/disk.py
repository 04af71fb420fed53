"""Writing that is whole or not at all, and on the disk before it is reported."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openswarm.core.errors import ToolError


@contextmanager
def held(descriptor: int) -> Iterator[int]:
    """A descriptor that is closed at the end of the block."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Writes every byte. Raises `OSError`."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def put_durably(path: Path, data: bytes) -> None:
    """Replaces a file of our own by a new one. Raises `OSError`."""
    temporary = path.with_name(f".{path.name}.part")
    with held(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)) as descriptor:
        write_all(descriptor, data)
        os.fsync(descriptor)
    temporary.replace(path)
    sync_folder(path.parent)


def append_durably(path: Path, data: bytes) -> None:
    """Adds to a file of our own. Raises `OSError`."""
    with held(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)) as descriptor:
        write_all(descriptor, data)
        os.fsync(descriptor)


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable. Raises `OSError`."""
    with held(os.open(path, os.O_RDONLY | os.O_DIRECTORY)) as descriptor:
        os.fsync(descriptor)


def trouble(what: str, error: OSError) -> ToolError:
    """The error as a model is told it, without a path of this computer."""
    reason = error.strerror or str(error)
    return ToolError(f"{what}: {reason[:1].lower()}{reason[1:]}")

"""Tables in files, and what is said about those that cannot be read."""

from pathlib import Path

import pytest

from openswarm.core.errors import UserError
from openswarm.modes.given import Grid, read_grid


def grid(folder: Path, content: str | bytes, name: str = "g.csv") -> Grid:
    """The table in a file of this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_grid(path)


def refused(folder: Path, content: str | bytes, name: str = "g.csv") -> str:
    """What is said about a file that has no table; it names the file."""
    with pytest.raises(UserError) as caught:
        grid(folder, content, name)
    assert str(caught.value).startswith(name)
    return str(caught.value)


def of(*rows: list[str], lines: list[int] | None = None, name: str = "g.csv") -> Grid:
    """A table; the first row is the header."""
    return Grid(rows[0], [*rows[1:]], lines or [*range(2, len(rows) + 1)], name)

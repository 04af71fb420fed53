"""The files of an agent's working copies that fit a pattern, over all roots, and their texts."""

from collections.abc import Generator
from typing import NamedTuple

from openswarm.core.errors import ToolError
from openswarm.tools.files.copy import read_found
from openswarm.tools.files.finding import Found
from openswarm.tools.files.roots import Root
from openswarm.tools.files.secrets import is_secret
from openswarm.tools.files.texts import decoded
from openswarm.tools.files.walk import DEEP, Pattern, Visit, alternatives, walk
from openswarm.tools.files.workspaces import Workspaces

MOST_TEXT_BYTES = 4_000_000
"""Larger files are not searched."""


class Listed(NamedTuple):
    """A file, by the name that models use."""

    name: str
    visit: Visit


def listed(workspaces: Workspaces, agent: str, pattern: str) -> Generator[Listed, None, None]:
    """The files in order of root and path. For a thread. Raises `ToolError`."""
    patterns = [(root, _in_root(root, pattern)) for root in workspaces.roots]
    if not any(texts for _, texts in patterns):
        names = ", ".join(f"{root.name}/" for root in workspaces.roots)
        raise ToolError(f"begin the pattern with the name of a folder, or with **/: {names}")
    for root, texts in patterns:
        if texts:
            with workspaces.copy(agent, root).view() as top:
                for visit in walk(top, Pattern(*texts)):
                    yield Listed(root.shown(visit.path), visit)


def texts(
    workspaces: Workspaces, agent: str, pattern: str, passed: list[str]
) -> Generator[tuple[str, str], None, None]:
    """Names and texts of the files that may be searched; the others are added to `passed`."""
    for name, (path, folder, entry) in listed(workspaces, agent, pattern):
        if not entry.is_file:
            continue
        if is_secret(path) or entry.status.st_size > MOST_TEXT_BYTES:
            passed.append(name)
            continue
        try:
            snapshot = read_found(Found(path, folder, entry), MOST_TEXT_BYTES)
        except (OSError, ToolError):
            passed.append(name)
            continue
        text = decoded(snapshot.data or b"")
        if text is not None:
            yield name, text.text


def _in_root(root: Root, pattern: str) -> list[str]:
    """The patterns within a root that a pattern stands for."""
    if root.alone:
        return [pattern]
    found = []
    for text in alternatives(pattern):
        Pattern(text)  # refuses what leads out before its beginning is taken off
        first, slash, rest = text.removeprefix("./").partition("/")
        if not slash or first == DEEP:
            found.append(text)
        elif first in (root.name, "*"):
            found.append(f"./{rest or DEEP}")
    return found

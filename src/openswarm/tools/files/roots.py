"""The folders that file tools may work in, and how models name what lies in them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from openswarm.core.errors import ToolError, UserError
from openswarm.tools.files.finding import Parts, parts_of


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of the user."""

    name: str
    """How models call it; no two roots have the same."""
    path: Path
    """Absolute, without links."""
    alone: bool
    """It is the only one: paths begin inside it."""

    def shown(self, parts: Parts) -> str:
        """A path in it, as models read and write it."""
        names = parts if self.alone else (self.name, *parts)
        return printable("/".join(names) or ".")

    def inside(self, target: str) -> Parts | None:
        """The path in the root that an absolute path names, or None if it is outside."""
        whole = os.path.normpath(target)
        if whole == str(self.path):
            return ()
        prefix = str(self.path).rstrip("/") + "/"
        return parts_of(whole[len(prefix) :]) if whole.startswith(prefix) else None


def printable(text: str) -> str:
    """The text as UTF-8 can write it: names of files may hold any bytes."""
    return text.encode("utf-8", "replace").decode()


def on_one_line(name: str) -> str:
    """A name that cannot break out of its line."""
    return "".join(char if char.isprintable() else "?" for char in name)


def open_roots(folders: Sequence[str]) -> tuple[Root, ...]:
    """The roots. Raises `UserError` for what is no folder, or lies inside of another one."""
    paths = [_folder(Path(name)) for name in folders]
    for path in paths:
        for other in paths:
            if other is not path and path.is_relative_to(other):
                raise UserError(
                    f"the folders {other} and {path} overlap; give the outer one alone, or folders"
                    " that lie side by side"
                )
    roots: list[Root] = []
    for path in paths:
        name = _unique(path.name or "files", {root.name for root in roots})
        roots.append(Root(name, path, alone=len(paths) == 1))
    return tuple(roots)


def named(roots: Sequence[Root], path: str) -> tuple[Root, Parts]:
    """The root and the path in it that a model named. Raises `ToolError`."""
    if not roots:
        raise ToolError("this run was given no folder to work in")
    parts = parts_of(path)
    if roots[0].alone:
        return roots[0], parts
    for root in roots:
        if parts and parts[0] == root.name:
            return root, parts[1:]
    names = ", ".join(f"{printable(root.name)}/" for root in roots)
    raise ToolError(f"begin the path with the name of a folder: {names}")


def _folder(path: Path) -> Path:
    if not path.is_absolute():
        raise UserError(f"{path} is not an absolute path; name folders from / on")
    if not path.is_dir():
        raise UserError(f"{path} is not a folder; name one that exists")
    return path.resolve()


def _unique(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free

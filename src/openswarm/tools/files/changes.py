"""What an agent changed in its working copy: the paths, and the versions before and after."""

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from openswarm.core.errors import ToolError
from openswarm.tools.files.copy import WorkingCopy
from openswarm.tools.files.disk import held
from openswarm.tools.files.finding import MOST_PARTS, Parts
from openswarm.tools.files.merged import (
    Folder,
    Identity,
    enter_plain,
    is_opaque,
    is_whiteout,
    lstat,
    names_in,
)
from openswarm.tools.files.patch import Side, file_patch, is_shown
from openswarm.tools.files.roots import printable
from openswarm.tools.files.secrets import is_git
from openswarm.tools.files.versions import UNKNOWN, Version, version_at, version_in

MOST_CHANGES = 10_000


class Change(NamedTuple):
    """A path that is not as it was in the version that it was made from."""

    path: Parts
    then: Version
    """The version that it was made from."""
    mine: Version
    """The version that the agent left."""


class Changes(NamedTuple):
    """All that an agent changed in a root."""

    changes: tuple[Change, ...]
    odd: tuple[tuple[str, str], ...] = ()
    """What cannot go back, and why."""

    def __bool__(self) -> bool:
        return bool(self.changes or self.odd)


def changes_of(copy: WorkingCopy) -> Changes:
    """Reads the working copy, and notes what was not noted of it. Raises `ToolError`."""
    found: list[Change] = []
    odd: dict[str, str] = {}
    with copy.view() as top:
        for path in changed_paths(top, copy.hidden):
            if why := _why_odd(path):
                odd[_shown(path)] = why
            elif (change := _change(copy, top, path)).mine.kind in ("other", "unknown"):
                odd[_shown(path)] = "it is no file, folder or link that can be read"
            elif not change.mine.same(change.then):
                found.append(change)
    return Changes(tuple(found), tuple(odd.items()))


def note_changes(copy: WorkingCopy) -> None:
    """Notes what each changed path was made from, after a program wrote into the upper.

    Raises `ToolError`.
    """
    changes_of(copy)
    copy.bases.mark_time()


def mine_of(copy: WorkingCopy, path: Parts) -> tuple[Version, bytes]:
    """What the agent left at a path that it changed. Raises `OSError`."""
    with copy.view() as top:
        return _mine(top, path)


class Patch(NamedTuple):
    """All changes as one unified diff."""

    text: str
    unshown: tuple[Change, ...]
    """Those whose contents the diff names by their hash alone."""


def patch_of(copy: WorkingCopy, changes: Changes) -> Patch:
    """The patch of the changes. Raises `OSError`."""
    parts: list[str] = []
    unshown: list[Change] = []
    for change in changes.changes:
        before = Side(change.then, copy.bases.content(change.then))
        version, data = mine_of(copy, change.path)
        after = Side(version, data if version.kept else None)
        parts.append(file_patch("/".join(change.path), before, after))
        if not is_shown(parts[-1]):
            unshown.append(change)
    return Patch("".join(parts), tuple(unshown))


def contents_of(copy: WorkingCopy, change: Change) -> list[bytes]:
    """What stood at a path before and after the change, as far as it is kept. Raises `OSError`."""
    before = copy.bases.content(change.then)
    after = [mine_of(copy, change.path)[1]] if change.mine.kept else []
    return [*([] if before is None else [before]), *after]


def changed_paths(top: Folder, hidden: frozenset[Identity] = frozenset()) -> Iterator[Parts]:
    """The paths at which the upper says anything, also that something was deleted.

    Raises `ToolError` when there are too many or they lie too deep.
    """
    for count, path in enumerate(_paths(top.upper, top.base, (), hides=False, hidden=hidden)):
        if count >= MOST_CHANGES:
            raise ToolError(f"more than {MOST_CHANGES} files changed, which is not merged")
        yield path


def _paths(
    upper: int | None, base: int | None, above: Parts, *, hides: bool, hidden: frozenset[Identity]
) -> Iterator[Parts]:
    """`hides`: what stands in the base alone was deleted."""
    if len(above) > MOST_PARTS:
        raise ToolError("folders lie too deep in each other to be merged")
    for name in sorted(names_in(upper) | (names_in(base) if hides else set())):
        path = (*above, name)
        up, low = lstat(upper, name), lstat(base, name)
        if low is not None and (low.st_dev, low.st_ino) in hidden:
            continue
        folders = (_is_folder(up), _is_folder(low))
        deleted = up is None or is_whiteout(up)
        if not all(folders) and not (deleted and low is None):
            yield path
        if any(folders):
            with (
                _entered(upper if folders[0] else None, name) as one,
                _entered(base if folders[1] else None, name) as other,
            ):
                gone = hides or one is None or is_opaque(one)
                yield from _paths(one, other, path, hides=gone, hidden=hidden)


def _entered(folder: int | None, name: str) -> AbstractContextManager[int | None]:
    """The descriptor of a folder in a folder; None if that has none."""
    return nullcontext() if folder is None else held(enter_plain(name, folder))


def _is_folder(status: os.stat_result | None) -> bool:
    return status is not None and stat.S_ISDIR(status.st_mode)


def _change(copy: WorkingCopy, top: Folder, path: Parts) -> Change:
    assert top.base is not None
    try:
        then = copy.note(path, top.base)
        mine, _ = _mine(top, path)
    except PermissionError:
        return Change(path, UNKNOWN, UNKNOWN)
    return Change(path, then, mine)


def _mine(top: Folder, path: Parts) -> tuple[Version, bytes]:
    """What the upper has at a path; absent where it says that it was deleted."""
    assert top.upper is not None
    if len(path) == 1:
        return version_at(top.upper, path[0])
    return version_in(top.upper, path)


def _why_odd(path: Parts) -> str:
    if is_git(path):
        return "what git keeps there is not merged"
    if printable(path[-1]) != path[-1]:
        return "its name is no UTF-8"
    return ""


def _shown(path: Parts) -> str:
    """A path as it can be written; of what belongs to git, git's folder."""
    end = next((at for at, part in enumerate(path, 1) if is_git((part,))), len(path))
    return printable("/".join(path[:end]))

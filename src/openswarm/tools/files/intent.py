"""A merge on its way into a root: prepared whole beside the working copy.

The intent is on the disk with every content that it needs before the root is touched, and each
path is replaced at once (`carrying`). So a process that dies leaves a merge that is finished by
carrying the same intent out again: what is in already is passed over.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from openswarm.core.frozen import Frozen
from openswarm.tools.files.changes import Change, Changes, mine_of
from openswarm.tools.files.copy import WorkingCopy
from openswarm.tools.files.disk import held, put_durably, sync_folder
from openswarm.tools.files.finding import Parts
from openswarm.tools.files.merged import open_folder, open_plain
from openswarm.tools.files.plan import Conflict, Contents, Done, Put, decide, in_order
from openswarm.tools.files.versions import CHUNK, Version, descend, version_in

INTENT = "intent.json"
FOLDER = "merge"
PATCH = "patch"
STILL = "a program of the agent still writes to it"


class Step(Frozen):
    """One path of the root that is to be replaced."""

    path: Parts
    before: Version
    after: Version

    @property
    def is_folder(self) -> bool:
        """Whether it is of interest for what lies in it alone."""
        kinds = {self.before.kind, self.after.kind}
        return "folder" in kinds and kinds <= {"folder", "absent"}


class Refused(Frozen):
    """A path of the root that stays as it is."""

    path: str
    why: str


class Intent(Frozen):
    """Everything that a merge is going to do. Contents lie beside it, named by their hash."""

    id: str
    agent: str
    steps: tuple[Step, ...]
    done: tuple[Step, ...]
    """What the root has already."""
    refused: tuple[Refused, ...]


def folder_of(copy: WorkingCopy) -> Path:
    """Where an intent is prepared."""
    return copy.folder / FOLDER


def pending(copy: WorkingCopy) -> Intent | None:
    """The intent that an earlier process left. Raises `ValueError` if it cannot be read."""
    try:
        data = (folder_of(copy) / INTENT).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return Intent.model_validate_json(data)
    except ValidationError:
        raise ValueError(f"its {INTENT} is damaged") from None


def prepare(copy: WorkingCopy, agent: str, changes: Changes, patch: str) -> Intent:
    """Decides for each path, and puts the intent with its contents on the disk. Raises `OSError`.

    The root's lock is held.
    """
    folder = folder_of(copy)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    steps: dict[Parts, Step] = {}
    done: list[Step] = []
    refused = [Refused(path=path, why=why) for path, why in changes.odd]
    with held(open_folder(copy.root.path)) as root:
        for change in changes.changes:
            outcome = _step(copy, root, change, folder)
            if isinstance(outcome, Step):
                steps[change.path] = outcome
            elif isinstance(outcome, Conflict):
                refused.append(Refused(path="/".join(change.path), why=outcome.why))
            else:
                done.append(Step(path=change.path, before=change.mine, after=change.mine))
    order = in_order({path: step.after for path, step in steps.items()})
    intent = Intent(
        id=secrets.token_hex(4),
        agent=agent,
        steps=tuple(steps[path] for path in order),
        done=tuple(done),
        refused=tuple(refused),
    )
    put_durably(folder / PATCH, patch.encode("utf-8", "replace"))
    put_durably(folder / INTENT, intent.model_dump_json().encode())
    return intent


def _step(copy: WorkingCopy, root: int, change: Change, folder: Path) -> Step | Conflict | None:
    try:
        now, data = version_in(root, change.path)
        contents = Contents(
            lambda: copy.bases.content(change.then),
            lambda: _left(copy, change) if change.mine.kept else None,
            lambda: data if now.kept else None,
        )
        decision = decide(change, now, contents)
    except PermissionError as error:
        return Conflict(f"it cannot be read: {error.strerror}")
    if isinstance(decision, Conflict):
        return decision
    if isinstance(decision, Done):
        return None
    if now.kept:
        put_durably(folder / now.sha, data)
    if isinstance(decision, Put):
        put_durably(folder / decision.version.sha, decision.data)
        return Step(path=change.path, before=now, after=decision.version)
    if change.mine.kind in ("file", "link"):
        _stage_mine(copy, change, folder)
    return Step(path=change.path, before=now, after=change.mine)


def _stage_mine(copy: WorkingCopy, change: Change, folder: Path) -> None:
    """A copy of what the agent left, of any size."""
    target = folder / change.mine.sha
    if change.mine.kept:
        put_durably(target, _left(copy, change))
        return
    with (
        held(open_folder(copy.upper)) as upper,
        held(descend(upper, change.path[:-1])) as parent,
    ):
        source = open_plain(change.path[-1], parent)
    with os.fdopen(source, "rb") as file, target.open("wb") as out:
        shutil.copyfileobj(file, out, CHUNK)
        out.flush()
        os.fsync(out.fileno())
    with target.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != change.mine.sha:
            raise OSError(errno.EBUSY, STILL)


def _left(copy: WorkingCopy, change: Change) -> bytes:
    """What the agent left: that and nothing else was allowed. Raises `OSError`."""
    version, data = mine_of(copy, change.path)
    if not version.same(change.mine):
        raise OSError(errno.EBUSY, STILL)
    return data


def replaced(intent: Intent) -> list[str]:
    """The hashes of the contents that the merge replaces or deletes, as far as they are kept."""
    return sorted({step.before.sha for step in intent.steps if step.before.kept})


def staged(copy: WorkingCopy, sha: str) -> bytes:
    """A content that lies beside the intent."""
    return (folder_of(copy) / sha).read_bytes()


def discard(copy: WorkingCopy) -> None:
    """Gives an intent up of which nothing was carried out."""
    shutil.rmtree(folder_of(copy), ignore_errors=True)


def patch_text(copy: WorkingCopy) -> str:
    """The patch of the intent."""
    return (folder_of(copy) / PATCH).read_text(encoding="utf-8")


def settle(copy: WorkingCopy, merged: Sequence[Step], *, all_in: bool) -> None:
    """Takes what was merged and journalled out of the working copy, and ends the intent.

    `all_in`: nothing stayed back, so that the agent's layer is emptied.
    """
    if all_in:
        for entry in list(copy.upper.iterdir()):
            _remove(entry)
    else:
        with held(open_folder(copy.upper)) as upper:
            for step in sorted(merged, key=lambda step: step.path, reverse=True):
                with contextlib.suppress(OSError):
                    _take_out(upper, step.path, is_folder=step.after.kind == "folder")
    for step in merged:
        copy.bases.forget(step.path)
    if all_in:
        copy.bases.mark_time()
    folder = folder_of(copy)
    (folder / INTENT).unlink(missing_ok=True)
    sync_folder(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _take_out(upper: int, path: Parts, *, is_folder: bool) -> None:
    with held(descend(upper, path[:-1])) as parent:
        if is_folder:
            os.rmdir(path[-1], dir_fd=parent)
        else:
            os.unlink(path[-1], dir_fd=parent)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

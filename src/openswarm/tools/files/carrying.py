"""Replacing the paths of a root by what an intent says, each at once and each only if it is still
what the intent was made for."""

import contextlib
import errno
import os
from pathlib import Path

from openswarm.tools.files.copy import WorkingCopy
from openswarm.tools.files.disk import held, write_all
from openswarm.tools.files.intent import Intent, Refused, Step, folder_of
from openswarm.tools.files.merged import lstat, open_folder
from openswarm.tools.files.versions import CHUNK, Version, descend, version_in

MEANWHILE = "another one changed it meanwhile"


def carry_out(copy: WorkingCopy, intent: Intent) -> tuple[list[Step], list[Refused]]:
    """Replaces each path; what is in, and what stayed as it was. Raises `OSError` if the root is
    gone. The root's lock is held."""
    merged = list(intent.done)
    refused = list(intent.refused)
    with held(open_folder(copy.root.path)) as root:
        for number, step in enumerate(intent.steps):
            temporary = f".openswarm-{intent.id}-{number}"
            if why := _carry_out(root, step, folder_of(copy), temporary):
                refused.append(Refused(path="/".join(step.path), why=why))
            else:
                merged.append(step)
    return merged, refused


def _carry_out(root: int, step: Step, contents: Path, temporary: str) -> str:
    """Why a path stays as it was, or ''."""
    try:
        now, _ = version_in(root, step.path)
        if now.same(step.after):
            return ""
        # a folder that gives way to a file, or a file to a folder, is away for a moment
        halfway = now.kind == "absent" and "folder" in (step.before.kind, step.after.kind)
        if not now.same(step.before) and not halfway:
            return MEANWHILE
        with held(descend(root, step.path[:-1], make=step.after.kind != "absent")) as parent:
            _replace(parent, step.path[-1], now, step.after, contents / step.after.sha, temporary)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            return "the folder there has files of others"
        return f"it could not be written: {error.strerror}"
    return ""


def _replace(
    parent: int, name: str, now: Version, after: Version, content: Path, temporary: str
) -> None:
    """Makes what stands under a name the version `after`, at once."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=parent)
    if now.kind == "folder":
        try:
            os.rmdir(name, dir_fd=parent)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or after.kind != "absent":
                raise
    elif now.kind != "absent" and after.kind in ("absent", "folder"):
        os.unlink(name, dir_fd=parent)
    if after.kind == "folder":
        os.mkdir(name, dir_fd=parent)
    elif after.kind in ("file", "link"):
        try:
            _write_new(parent, name, after, content, temporary)
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=parent)
            raise
    os.fsync(parent)


def _write_new(parent: int, name: str, after: Version, content: Path, temporary: str) -> None:
    """The new file under its temporary name, with the owner of the old one."""
    if after.kind == "link":
        os.symlink(content.read_bytes(), os.fsencode(temporary), dir_fd=parent)
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with held(os.open(temporary, flags, 0o600, dir_fd=parent)) as descriptor:
        with content.open("rb") as file:
            while chunk := file.read(CHUNK):
                write_all(descriptor, chunk)
        if old := lstat(parent, name):
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, after.mode)
        os.fsync(descriptor)

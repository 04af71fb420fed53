"""The command of one confined process: the launcher, the jail and the limits, put together.

Owns what differs between bubblewrap, Landlock and nothing; `process` runs what comes of it.
"""

import base64
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from openswarm.core.tooling import SandboxSettings
from openswarm.tools.sandbox.cgroups import Group
from openswarm.tools.sandbox.jail import (
    INSIDE,
    INSIDE_FOLDER,
    Jail,
    bubblewrap,
    environment,
    landlock_places,
)
from openswarm.tools.sandbox.probe import Confinement
from openswarm.tools.sandbox.seccomp import program

Part = Literal["kernel", "shell"]
OPEN_FILES = 512
OWN_PROCESSES = 4
"""Those of the sandbox itself, which do not count as the code's."""
JOIN = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"'
"""Joins control groups before anything else is started."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What is started, and in which environment."""

    command: list[str]
    environment: dict[str, str]
    folder: str
    passed: tuple[int, ...]
    """Descriptors that it inherits."""
    files: tuple[int, ...] = ()
    """Those of them that were opened for it, to be closed once it is started."""


def launch(
    jail: Jail,
    part: Part,
    ends: tuple[int, int],
    confinement: Confinement,
    settings: SandboxSettings,
    group: Group | None,
) -> Launch:
    """How a part of the code is started here.

    `ends`: the descriptors of its socket to the runtime, and of a pipe that ends with the runtime.
    """
    control = ends[0]
    inside = INSIDE if confinement.kind == "bubblewrap" else INSIDE_FOLDER
    limited = json.dumps(limits(confinement, settings, group))
    entry = [sys.executable, "-u", f"{inside}/enter.py", limited, part, str(control)]
    if confinement.kind == "bubblewrap":
        return _in_bubblewrap(jail, control, entry, confinement, group)
    supervise = _supervise(jail, ends, confinement, group)
    own = environment(jail, mapped=False)
    return Launch([*supervise, *entry], own, str(jail.scratch), ends)


def _in_bubblewrap(
    jail: Jail, control: int, entry: list[str], confinement: Confinement, group: Group | None
) -> Launch:
    """Arguments go through a file, since code can read the command line of its first process."""
    options = bubblewrap(jail, confinement.version)
    files = []
    if code := program(sockets=True):
        files.append(_file(code))
        options += ["--seccomp", str(files[-1])]
    files.append(_file("".join(f"{option}\0" for option in options).encode()))
    joined = ["/bin/sh", "-c", JOIN, "sh", *(group.files if group else ()), "--"]
    command = [*joined, *jail.started_by, confinement.bwrap, "--args", str(files[-1]), "--", *entry]
    return Launch(command, {}, "/", (control, *files), tuple(files))


def _file(data: bytes) -> int:
    """A file of memory that is read from its beginning."""
    file = os.memfd_create("openswarm")
    os.write(file, data)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def limits(
    confinement: Confinement, settings: SandboxSettings, group: Group | None
) -> dict[str, int]:
    """What each process of the code may use; a control group limits all of them together."""
    values = {"file_bytes": settings.file_mb << 20, "open_files": OPEN_FILES}
    if group is None:
        values["memory_bytes"] = settings.memory_mb << 20
        values["processes"] = settings.processes
        if confinement.kind != "bubblewrap":
            # without a user namespace the user's other processes count too
            values["processes"] += _threads_of(os.getuid())
    return values


def _supervise(
    jail: Jail, ends: tuple[int, int], confinement: Confinement, group: Group | None
) -> list[str]:
    confined = confinement.kind == "landlock"
    read, write = landlock_places(jail) if confined else ([], [])
    filtered = program(sockets=False) if confined else b""
    settings = {
        "lifeline": ends[1],
        "control": ends[0],
        "groups": group.files if group else (),
        "landlock": confined,
        "read": read,
        "write": write,
        "seccomp": base64.b64encode(filtered).decode(),
    }
    return [sys.executable, f"{INSIDE_FOLDER}/supervise.py", json.dumps(settings)]


def _threads_of(user: int) -> int:
    """Threads of a user that run now."""
    processes = [path for path in Path("/proc").glob("[0-9]*") if path.name.isdigit()]
    return sum(_threads(path) for path in processes if _owner(path) == user)


def _owner(process: Path) -> int:
    try:
        return process.stat().st_uid
    except OSError:
        return -1


def _threads(process: Path) -> int:
    try:
        return len(list((process / "task").iterdir()))
    except OSError:
        return 0

"""The jail of one sub-agent: what code sees of this computer, and the command that puts it there.

Owns the list of what is mounted. Nothing is there unless it is named here: system folders, the
interpreter, the scratch folder, and the folders that the user gave.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openswarm.core.errors import SettingsError

WORK = "/sandbox"
ROOTS = "/roots"
INSIDE = "/run/openswarm"
FACTS = "/run/facts"
SOCKET = "/run/fetch.sock"
INSIDE_FOLDER = Path(__file__).parent / "inside"
EMPTY = "empty"
"""A file in `facts`, shown in the place of files that are not to be read."""

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
ETC = (
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/ssl",
    "/etc/ca-certificates", "/etc/pki", "/etc/localtime", "/etc/mime.types", "/etc/fonts",
)  # fmt: skip
ETC_TEXTS = {
    "passwd": "user:x:1000:1000::/sandbox:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    "group": "user:x:1000:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
PRIVATE_KEYS = "/etc/ssl/private"
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
PROC_FACTS = ("/proc/cpuinfo", "/proc/meminfo", "/proc/filesystems", "/proc/stat")
PROC_READ_ONLY = ("sys", "sysrq-trigger", "irq", "bus", "fs", "mtrr", "pressure", "driver")
PROC_HIDDEN = (
    "acpi", "asound", "kcore", "keys", "kmsg", "latency_stats", "sched_debug", "scsi",
    "timer_list", "timer_stats", "kpagecount", "kpageflags", "kallsyms", "dynamic_debug",
)  # fmt: skip
"""Parts of /proc that the kernel lets the owner write or read, who is root where openswarm is
started by root: namespaces do not change that."""
TEMPORARY_BYTES = 256 << 20
FLAGS = (
    "--unshare-user", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
    "--clearenv", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox",
)  # fmt: skip
SIZES_SINCE = (0, 8)
"""The bubblewrap that can forbid further user namespaces and limit temporary folders."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder or file of this computer, shown at a place in the jail."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Jail:
    """The places of one sub-agent."""

    scratch: Path
    facts: Path
    """The run's folder with `etc` and `bin`; see `write_facts`."""
    binds: tuple[Bind, ...] = ()
    socket: str = ""
    """The Unix socket of the fetch proxy; '' for none."""
    hidden: tuple[str, ...] = ()
    """Folders below the binds' targets that are shown empty."""
    veiled: tuple[Bind, ...] = ()
    """Files of the binds that are shown empty."""
    started_by: tuple[str, ...] = ()
    """The beginning of a command that bubblewrap's is added to: it mounts what the binds show."""


def write_facts(folder: Path) -> None:
    """The little files that every jail of a run shows: users, hosts, the command `fetch`."""
    (folder / "etc").mkdir()
    for name, text in ETC_TEXTS.items():
        (folder / "etc" / name).write_text(text)
    (folder / EMPTY).touch()
    (folder / "bin").mkdir()
    command = folder / "bin" / "fetch"
    command.write_text('#!/bin/sh\nexec "$OPENSWARM_PYTHON" "$OPENSWARM_CLIENT" "$@"\n')
    command.chmod(0o755)


def environment(jail: Jail, *, mapped: bool) -> dict[str, str]:
    """All that code finds in its environment. `mapped`: places have the names of the jail."""
    work = WORK if mapped else str(jail.scratch)
    inside = INSIDE if mapped else str(INSIDE_FOLDER)
    tools = f"{FACTS}/bin" if mapped else str(jail.facts / "bin")
    threads = str(min(4, os.cpu_count() or 1))
    values = {
        "PATH": f"{Path(sys.executable).parent}:{tools}:/usr/local/bin:/usr/bin:/bin",
        "HOME": work,
        "TMPDIR": "/tmp" if mapped else work,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp/matplotlib" if mapped else f"{work}/.matplotlib",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENSWARM_PYTHON": sys.executable,
        "OPENSWARM_CLIENT": f"{inside}/client.py",
    }
    if jail.socket:
        values["OPENSWARM_FETCH"] = SOCKET if mapped else jail.socket
    return values


def bubblewrap(jail: Jail, version: tuple[int, ...]) -> list[str]:
    """The options of bubblewrap that make the jail."""
    sized = version >= SIZES_SINCE
    limit = ["--size", str(TEMPORARY_BYTES)] if sized else []
    command = [*FLAGS]
    command += ["--disable-userns"] if sized else []
    command += ["--dev", "/dev", *limit, "--tmpfs", "/dev/shm", "--proc", "/proc"]
    command += [*_kernel(), *limit, "--tmpfs", "/tmp", *_system(), *_interpreter()]
    if Path(PRIVATE_KEYS).is_dir():
        command += ["--tmpfs", PRIVATE_KEYS, "--remount-ro", PRIVATE_KEYS]
    for name in ETC_TEXTS:
        command += ["--ro-bind", str(jail.facts / "etc" / name), f"/etc/{name}"]
    command += ["--ro-bind", str(jail.facts / "bin"), f"{FACTS}/bin"]
    command += ["--ro-bind", str(INSIDE_FOLDER), INSIDE, "--bind", str(jail.scratch), WORK]
    for bind in jail.binds:
        command += ["--bind" if bind.writable else "--ro-bind", str(bind.source), bind.target]
    for target in jail.hidden:
        command += ["--tmpfs", target, "--remount-ro", target]
    for bind in jail.veiled:
        if bind.source.is_file():  # it may be gone since it was found
            command += ["--ro-bind", str(jail.facts / EMPTY), bind.target]
    if jail.socket:
        command += ["--ro-bind", jail.socket, SOCKET]
    for name, value in environment(jail, mapped=True).items():
        command += ["--setenv", name, value]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORK]


def landlock_places(jail: Jail) -> tuple[list[str], list[str]]:
    """What code may read and what it may also write, by the places' own names."""
    read = [*SYSTEM, *ETC, *DEVICES[3:], *PROC_FACTS, *(str(p) for p in prefixes())]
    read += [str(INSIDE_FOLDER), str(jail.facts)]
    read += [str(bind.source) for bind in jail.binds if not bind.writable]
    write = [str(jail.scratch), *DEVICES[:3]]
    write += [str(bind.source) for bind in jail.binds if bind.writable]
    return read, write


def prefixes() -> tuple[Path, ...]:
    """The folders of this interpreter that lie outside of the system's.

    Raises `SettingsError` where these would show the user's own files.
    """
    found = {Path(sys.prefix), Path(sys.base_prefix)}
    link = Path(sys.executable)
    while link.is_symlink():
        link = Path(os.path.normpath(link.parent / link.readlink()))
        if link.parent.name == "bin" and _is_prefix(link.parent.parent):
            found.add(link.parent.parent)
    home = Path.home().resolve()
    kept = [p for p in found if not p.is_relative_to("/usr") and p.is_dir()]
    for prefix in kept:
        if home.is_relative_to(prefix.resolve()) and home != Path("/"):
            raise SettingsError(
                f"Python is installed in {prefix}, which holds your home folder too: code in the"
                " sandbox could read all of it. Run openswarm from a virtual environment."
            )
    return tuple(sorted(kept))


def _links() -> Iterator[Path]:
    """Links to this interpreter that lie in folders which are not shown, such as `~/.local/bin`."""
    shown = prefixes()
    link = Path(sys.executable)
    while link.is_symlink():
        if not any(link.is_relative_to(place) for place in (*shown, Path("/usr"))):
            yield link
        link = Path(os.path.normpath(link.parent / link.readlink()))


def _is_prefix(folder: Path) -> bool:
    """Whether Python itself is installed there, and it is not a folder of the user's own things."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return (folder / "pyvenv.cfg").is_file() or (folder / "lib" / name / "os.py").is_file()


def _system() -> Iterator[str]:
    """Folders of the system, read-only; links to them stay links."""
    for name in SYSTEM:
        if Path(name).is_symlink():
            yield from ("--symlink", str(Path(name).readlink()), name)
        elif Path(name).is_dir():
            yield from ("--ro-bind", name, name)
    for name in ETC:
        if Path(name).exists():
            yield from ("--ro-bind", name, name)


def _kernel() -> Iterator[str]:
    """What of /proc is about the kernel itself."""
    for path in (f"/proc/{name}" for name in PROC_READ_ONLY):
        if Path(path).exists():
            yield from ("--ro-bind", path, path)
    for path in (f"/proc/{name}" for name in PROC_HIDDEN):
        if Path(path).is_dir():
            yield from ("--tmpfs", path, "--remount-ro", path)
        elif Path(path).exists():
            yield from ("--ro-bind", "/dev/null", path)


def _interpreter() -> Iterator[str]:
    for prefix in prefixes():
        yield from ("--ro-bind", str(prefix), str(prefix))
    for link in _links():
        yield from ("--symlink", str(link.readlink()), str(link))

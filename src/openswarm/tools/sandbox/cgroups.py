"""Control groups: memory and processes of one sub-agent's code, where a group can really be made.

Both versions are known. Where none can be made, limits of single processes have to do.
"""

import os
import re
import signal
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

PREFIX = "openswarm-"
MOUNTS = Path("/proc/self/mountinfo")
OWN = Path("/proc/self/cgroup")
TRIES, TRY_S = 200, 0.01
MOVE = 'echo 0 > "$1" && exec true'


@dataclass(frozen=True, slots=True)
class GroupHome:
    """Folders of control groups in which groups of our own can be made."""

    version: int
    folders: tuple[Path, ...]
    """One of the unified hierarchy (2), or those of memory and pids (1)."""

    def make(self, name: str, memory_bytes: int, processes: int) -> "Group":
        """A group with limits, `name` being unique in this process. Raises `OSError`."""
        group = Group(tuple(home / f"{PREFIX}{os.getpid()}-{name}" for home in self.folders))
        values = _values(self.version, memory_bytes, processes)
        try:
            for folder in group.folders:
                folder.mkdir(exist_ok=True)
                for file, value in values.items():
                    if (folder / file).exists():
                        (folder / file).write_text(str(value))
        except OSError:
            group.remove()
            raise
        return group

    def sweep(self) -> None:
        """Removes groups that killed runtimes left; those that are in use cannot be removed."""
        for folder in [f for home in self.folders for f in home.glob(f"{PREFIX}*")]:
            match = re.match(rf"{PREFIX}(\d+)-", folder.name)
            if match and not Path(f"/proc/{match[1]}").exists():
                Group((folder,)).remove()


@dataclass(frozen=True, slots=True)
class Group:
    """The group of one sub-agent."""

    folders: tuple[Path, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Where a process writes 0 to join."""
        return tuple(str(folder / "cgroup.procs") for folder in self.folders)

    def memory_kills(self) -> int:
        """How often the kernel killed a process for want of memory."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                if match := re.search(r"^oom_kill (\d+)", _text(folder / name), re.MULTILINE):
                    return int(match[1])
        return 0

    def unlinked_bytes(self, device: int) -> int:
        """What files without a name, which its processes hold open, take of a disk."""
        found: dict[int, int] = {}
        for number in _text(Path(self.files[0])).split():
            try:
                for entry in os.scandir(f"/proc/{number}/fd"):
                    status = entry.stat()
                    if stat.S_ISREG(status.st_mode) and status.st_dev == device:
                        found[status.st_ino] = 0 if status.st_nlink else status.st_blocks * 512
            except OSError:
                continue  # it, or what it held, is gone
        return sum(found.values())

    def kill(self) -> None:
        """Kills what is in it."""
        for file in self.files:
            for number in _text(Path(file)).split():
                try:
                    os.kill(int(number), signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    continue

    def remove(self) -> bool:
        """Whether it is gone; a group with processes stays."""
        for folder in self.folders:
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                return False
        return True

    async def end(self) -> None:
        """Kills and removes it; a process takes a moment to leave."""
        with anyio.CancelScope(shield=True):
            for _ in range(TRIES):
                if await anyio.to_thread.run_sync(self._tried):
                    return
                await anyio.sleep(TRY_S)

    def _tried(self) -> bool:
        if self.remove():
            return True
        self.kill()
        return False


def find_home() -> GroupHome | None:
    """Where groups can be made, tried out by a process that joins one; None: nowhere."""
    for version, folders in _candidates():
        home = GroupHome(version, folders)
        try:
            group = home.make("probe", 64 << 20, 16)
        except OSError:
            continue
        try:
            if _takes(version, group):
                return home
        finally:
            group.remove()
    return None


def _takes(version: int, group: Group) -> bool:
    """Whether limits are kept here and a process may join."""
    needed = ("memory.max", "pids.max") if version == 2 else ("memory.limit_in_bytes", "pids.max")
    if not all(any((folder / name).exists() for folder in group.folders) for name in needed):
        return False
    return all(
        subprocess.run(["/bin/sh", "-c", MOVE, "sh", file], capture_output=True).returncode == 0
        for file in group.files
    )


def _candidates() -> Iterable[tuple[int, tuple[Path, ...]]]:
    """Our own group and the one above it, of each hierarchy."""
    own = _own_groups()
    mounts = _mounted()
    if "memory" in mounts and "pids" in mounts and {"memory", "pids"} <= own.keys():
        for up in (False, True):
            yield 1, tuple(_placed(*mounts[name], own[name], up=up) for name in ("memory", "pids"))
    if "" in mounts and "" in own:
        for up in (False, True):
            yield 2, (_placed(*mounts[""], own[""], up=up),)


def _placed(mount: Path, root: str, own: str, *, up: bool) -> Path:
    """The folder of a group; containers mount the hierarchy from their own group down."""
    place = mount / own.removeprefix(root).lstrip("/")
    return place.parent if up and place != mount else place


def _own_groups() -> dict[str, str]:
    """Paths by controller; that of version 2 by ''."""
    own: dict[str, str] = {}
    for line in _text(OWN).splitlines():
        _, controllers, path = line.split(":", 2)
        own.update(dict.fromkeys(controllers.split(","), path))
    return own


def _mounted() -> dict[str, tuple[Path, str]]:
    """Mount points by controller, and which group each shows; that of version 2 by ''."""
    found: dict[str, tuple[Path, str]] = {}
    for line in _text(MOUNTS).splitlines():
        before, _, after = line.partition(" - ")
        root, place = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup2":
            found[""] = (Path(place), root)
        elif kind == "cgroup":
            found.update((name, (Path(place), root)) for name in options.split(","))
    return found


def _values(version: int, memory_bytes: int, processes: int) -> dict[str, int]:
    """Files and what to write; the limit of memory with swap comes after that of memory."""
    if version == 2:
        return {"memory.max": memory_bytes, "memory.swap.max": 0, "pids.max": processes}
    return {
        "memory.limit_in_bytes": memory_bytes,
        "memory.memsw.limit_in_bytes": memory_bytes,
        "pids.max": processes,
    }


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

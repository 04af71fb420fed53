"""What can confine code on this computer, found out by confining something.

Owns the facts that `doctor` prints and what to do where something is missing. Nothing is probed at
import; `probe` blocks for some tens of milliseconds, so callers use a thread and keep the answer.
"""

import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from openswarm.tools.sandbox.cgroups import GroupHome, find_home
from openswarm.tools.sandbox.inside import rules
from openswarm.tools.sandbox.jail import Jail, bubblewrap, write_facts
from openswarm.tools.sandbox.seccomp import program

Kind = Literal["bubblewrap", "landlock", "none"]
KINDS: tuple[Kind, ...] = ("bubblewrap", "landlock")
TRY = "id -u; echo $$; test -e /etc/shadow && echo seen; echo >/usr/probe && echo written; exit 0"
EXPECTED = ["1000", "2"]
TRY_S = 20
NETWORK_ABI, SIGNAL_ABI = 4, 6

INSTALL = "apt install bubblewrap (or dnf, pacman, apk: the package is called bubblewrap)"
SETTINGS = (
    ("kernel/apparmor_restrict_unprivileged_userns", "1",
     "AppArmor denies user namespaces: give bwrap an AppArmor profile with `userns,`, or"
     " sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
    ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
)  # fmt: skip
"""Settings below /proc/sys that deny user namespaces, and what to do."""
CONTAINER = (
    "in a container start it with --security-opt seccomp=unconfined"
    " --security-opt systempaths=unconfined, or use a kernel that admits user namespaces"
)


@dataclass(frozen=True, slots=True)
class Check:
    """One fact for `doctor`."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Confinement:
    """How code is confined here."""

    kind: Kind
    checks: tuple[Check, ...] = ()
    bwrap: str = ""
    """Its path."""
    version: tuple[int, ...] = ()
    landlock_abi: int = 0
    groups: GroupHome | None = None
    """None: memory and processes are limited process by process."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not confined, in sentences for the model and for people."""
        found = []
        if self.kind == "landlock":
            found.append("There is no network, and no `fetch` either.")
            found.append(
                "Files and processes outside cannot be read, but that they exist can be seen."
            )
            if self.landlock_abi < SIGNAL_ABI:
                found.append("This kernel cannot keep code from signalling the user's processes.")
        if self.kind == "none":
            found.append("Nothing confines this code: it can read and change the user's files.")
        if self.groups is None:
            found.append("Memory is limited for each process, not for all together.")
        return tuple(found)

    @property
    def why_not(self) -> str:
        """What keeps code from being confined, and what to do about it."""
        bad = [check for check in self.checks if not check.ok and check.remedy]
        return "; ".join(f"{check.detail}: {check.remedy}" for check in bad)


def probe(kinds: Sequence[Kind] = KINDS) -> Confinement:
    """What of `kinds` works here, the stronger first, with a check for each part."""
    path = shutil.which("bwrap") or ""
    version = _version(path) if path else ()
    bwrap = _bubblewrap(path, version)
    abi = rules.abi() if platform.system() == "Linux" else 0
    filtered = bool(program(sockets=False)) and Path("/proc/sys/kernel/seccomp").exists()
    groups = find_home()
    found: Kind = "none"
    if "bubblewrap" in kinds and all(check.ok for check in bwrap):
        found = "bubblewrap"
    elif "landlock" in kinds and abi and filtered:
        found = "landlock"
    checks = (*bwrap, _seccomp(filtered=filtered), _landlock(abi), _groups(groups))
    return Confinement(found, checks, path, version, abi, groups)


def _version(path: str) -> tuple[int, ...]:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)[:3])


def _bubblewrap(path: str, version: tuple[int, ...]) -> tuple[Check, ...]:
    if not path:
        return (Check("bubblewrap", ok=False, detail="bubblewrap is missing", remedy=INSTALL),)
    shown = f"{path} {'.'.join(map(str, version))}"
    problem = _try(path, version)
    if not problem:
        space = Check("user namespaces", ok=True, detail="a sandbox was started")
    else:
        space = Check(
            "user namespaces",
            ok=False,
            detail=f"bubblewrap starts no sandbox ({problem})",
            remedy=_remedy(),
        )
    return Check("bubblewrap", ok=True, detail=shown), space


def _try(path: str, version: tuple[int, ...]) -> str:
    """Starts a sandbox and looks around in it: '' if all is as it should be, or what is not."""
    with tempfile.TemporaryDirectory(prefix="openswarm-") as name:
        folder = Path(name)
        write_facts(folder)
        (folder / "work").mkdir()
        jail = Jail(folder / "work", folder)
        try:
            ended = subprocess.run(
                [path, *bubblewrap(jail, version), "--", "/bin/sh", "-c", TRY],
                capture_output=True,
                text=True,
                timeout=TRY_S,
                check=False,
                env={},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)[:300]
        if ended.returncode:
            return ended.stderr.strip()[-300:]
        said = ended.stdout.split()
        return "" if said == EXPECTED else f"it does not confine: {' '.join(said)[:100]}"


def _remedy() -> str:
    """What the system's settings say about namespaces."""
    for name, denies, remedy in SETTINGS:
        try:
            if Path("/proc/sys", name).read_text().strip() == denies:
                return remedy
        except OSError:
            continue
    return CONTAINER


def _seccomp(*, filtered: bool) -> Check:
    if filtered:
        return Check("seccomp", ok=True, detail=f"filters system calls on {platform.machine()}")
    return Check("seccomp", ok=False, detail=f"no filter for {platform.machine()} and this kernel")


def _landlock(abi: int) -> Check:
    if not abi:
        return Check(
            "landlock",
            ok=False,
            detail="the kernel has no Landlock",
            remedy="a kernel from 5.13 on with lsm=landlock",
        )
    network = "files and TCP" if abi >= NETWORK_ABI else "files"
    return Check("landlock", ok=True, detail=f"ABI {abi}: {network}")


def _groups(home: GroupHome | None) -> Check:
    if home is None:
        return Check(
            "cgroup",
            ok=False,
            detail="no control group can be made, so limits hold for each process",
        )
    return Check("cgroup", ok=True, detail=f"version {home.version}, memory and processes limited")

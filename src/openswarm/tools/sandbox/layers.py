"""What an agent changes of the user's folders, mounted over them for one shell call.

Owns the overlay and the namespace of mounts that it lives and ends in. What a layer holds and what
becomes of it is the business of `tools.files`.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from openswarm.core.errors import SettingsError, ToolError
from openswarm.tools.files.merged import Folder, open_folder
from openswarm.tools.files.workspaces import Workspaces
from openswarm.tools.sandbox.jail import ROOTS, Bind, Jail, bubblewrap
from openswarm.tools.sandbox.probe import TRY_S, Confinement

WORK, VIEW = "work", "view"
"""Folders beside an upper: the kernel's own, and where the overlay is mounted."""
OPTIONS = (
    "lowerdir=view,upperdir=upper,workdir=work,nosuid,nodev"
    ",redirect_dir=nofollow,metacopy=off,index=off"
)
"""An upper holds whole files at their paths, which `tools.files` reads; nothing in it may lead the
kernel to another place. Names are relative, so that code finds no path of the host in its mounts,
and a folder's name may hold what separates options."""
LAY = (
    'mount=$1; options=$2; shift 2; [ /proc/self/ns/mnt -ef "/proc/$PPID/ns/mnt" ] && exit 125;'
    ' while [ "$1" != -- ]; do cd "$1" && "$mount" -n --bind "$2" view'
    ' && "$mount" -n -t overlay -o "$options" overlay view || exit 125; shift 2; done; shift;'
    ' cd / && exec "$@"'
)
"""Shows each root at the view of its layer, mounts the overlay over it, and goes on. Where it finds
itself among the mounts of the runtime it mounts nothing."""
TRY = f"cd {ROOTS}/0 && rm gone && rm -r d && mkdir d && echo made > d/new"


@dataclass(frozen=True, slots=True)
class Layer:
    """What one agent changes of one root."""

    root: Path
    folder: Path
    """Its upper lies in it."""
    target: str
    """Where the jail shows both as one."""

    @property
    def upper(self) -> Path:
        """The folder of what was changed."""
        return self.folder / "upper"

    @property
    def bind(self) -> Bind:
        """What the jail shows once the overlay is mounted."""
        return Bind(self.folder / VIEW, self.target, writable=True)

    def make(self) -> None:
        """Makes what the overlay needs. Others of this computer may not come near: code can mark
        its files as to be run with its user's rights. Raises `OSError`."""
        self.folder.chmod(0o700)
        self.clear()
        for name in (WORK, VIEW):
            (self.folder / name).mkdir(exist_ok=True)

    def clear(self) -> None:
        """Takes away what a call left beside its upper; the kernel's folder may be read by nobody
        at first."""
        work = self.folder / WORK
        with suppress(OSError):
            for inner in work.iterdir():
                inner.chmod(0o700)
        shutil.rmtree(work, ignore_errors=True)
        with suppress(OSError):
            (self.folder / VIEW).rmdir()


@dataclass(frozen=True, slots=True)
class Mounting:
    """The programs that mount here."""

    unshare: str
    mount: str
    in_user_namespace: bool
    """As somebody who may mount nothing outside of one."""

    def command(self, layers: Sequence[Layer]) -> tuple[str, ...]:
        """What a command is started by to find the overlays at the views of these layers. They are
        mounted in a namespace of its own, and are gone with its last process."""
        user = ("--user", "--map-root-user") if self.in_user_namespace else ()
        options = f"{OPTIONS},userxattr" if self.in_user_namespace else OPTIONS
        places = [str(path) for layer in layers for path in (layer.folder, layer.root)]
        shell = ("/bin/sh", "-c", LAY, "sh", self.mount, options, *places, "--")
        return (self.unshare, *user, "--mount", "--", *shell)


@dataclass(slots=True)
class Laid:
    """The jail of one call with an agent's layers in it."""

    jail: Jail
    uppers: tuple[Path, ...] = ()
    """What the call may fill beside its scratch folder."""
    note: str = ""
    """What is wrong with the layers after the call, for the model."""


class Layers:
    """The layers of all agents of a run."""

    def __init__(self, workspaces: Workspaces, mounting: Mounting) -> None:
        self._workspaces = workspaces
        self._mounting = mounting

    @asynccontextmanager
    async def laid(self, agent: str, jail: Jail) -> AsyncIterator[Laid]:
        """A jail whose command sees the agent's working copies below `/roots` and changes them.

        Nothing of the call may run any more when the block is left. Raises `ToolError`.
        """
        await self._note(agent)
        layers = [
            Layer(root.path, (await self._workspaces.upper(agent, root)).parent, target(root.name))
            for root in self._workspaces.roots
        ]
        laid = Laid(
            replace(
                jail,
                binds=tuple(layer.bind for layer in layers),
                started_by=self._mounting.command(layers),
            ),
            tuple(layer.upper for layer in layers),
        )
        try:
            await self._workspaces.in_thread(_make, layers)
            yield laid
        finally:
            with anyio.CancelScope(shield=True):
                await self._workspaces.in_thread(_clear, layers)
        laid.note = await self._note(agent)

    async def merge(self, agent: str, *, finished: bool) -> str:
        """Merges what an agent changed, unless a file tool of its has done so already."""
        return await self._workspaces.merge(agent, finished)

    async def _note(self, agent: str) -> str:
        """Has it noted what the changes up to now were made from; what keeps them from being
        merged, or ''. The next call may put that right."""
        try:
            await self._workspaces.note(agent)
        except (ToolError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            return f"What you changed below {ROOTS} cannot be merged as it is: {why}."
        return ""


def target(name: str) -> str:
    """Where the jail shows the root of that name."""
    return f"{ROOTS}/{name}"


def _make(layers: Sequence[Layer]) -> None:
    try:
        for layer in layers:
            layer.make()
    except OSError as error:
        raise ToolError(f"the user's folders cannot be laid out: {error.strerror}") from None


def _clear(layers: Sequence[Layer]) -> None:
    for layer in layers:
        layer.clear()


async def open_layers(workspaces: Workspaces, confinement: Confinement, facts: Path) -> Layers:
    """The layers of a run, if overlays can really be mounted over its roots.

    `facts`: see `Jail`. Raises `SettingsError` that says why they cannot.
    """
    if confinement.kind != "bubblewrap":
        raise SettingsError("that takes bubblewrap")
    mounting = await workspaces.in_thread(_find_mounting, workspaces, confinement, facts)
    return Layers(workspaces, mounting)


def _find_mounting(workspaces: Workspaces, confinement: Confinement, facts: Path) -> Mounting:
    unshare, mount = shutil.which("unshare"), shutil.which("mount")
    if unshare is None or mount is None:
        raise SettingsError("`unshare` and `mount` are missing: apt install util-linux")
    roots = [root.path for root in workspaces.roots]
    for point in _mount_points():
        if any(point != root and point.is_relative_to(root) for root in roots):
            raise SettingsError(f"{point} is a file system of its own")
    why = ""
    for in_user_namespace in (False, True) if os.geteuid() == 0 else (True,):
        mounting = Mounting(unshare, mount, in_user_namespace)
        with tempfile.TemporaryDirectory(prefix=".layers-", dir=workspaces.setup.scratch) as name:
            layers, jail = _prepared(roots, Path(name), facts)
            jail = replace(jail, started_by=mounting.command(layers))
            why = _try(jail, confinement) or _why_apart(layers[0])
        if not why:
            return mounting
    raise SettingsError(f"no overlay can be mounted: {why}")


def _mount_points() -> Iterator[Path]:
    """Where file systems are mounted; an overlay shows an empty folder there."""
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
        point = re.sub(rb"\\(\d{3})", lambda match: bytes([int(match[1], 8)]), line.split()[4])
        yield Path(os.fsdecode(point))


def _prepared(roots: Sequence[Path], place: Path, facts: Path) -> tuple[list[Layer], Jail]:
    """New layers, the first one over a folder that is made for the trial, the others over the
    roots."""
    below = place / "below"
    (below / "d").mkdir(parents=True)
    for name in ("gone", "d/old"):
        (below / name).touch()
    layers = [
        Layer(path, place / f"{number}", target(f"{number}"))
        for number, path in enumerate((below, *roots))
    ]
    for layer in layers:
        layer.upper.mkdir(parents=True)
        layer.make()
    return layers, Jail(place, facts, tuple(layer.bind for layer in layers))


def _try(jail: Jail, confinement: Confinement) -> str:
    """Changes files in the first layer, from inside of a jail; why that fails, or ''."""
    options = bubblewrap(jail, confinement.version)
    command = [*jail.started_by, confinement.bwrap, *options, "--", "/bin/sh", "-c", TRY]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=TRY_S, check=False, env={}
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)[-300:]
    return (ended.stderr.strip()[-300:] or "it failed") if ended.returncode else ""


def _why_apart(layer: Layer) -> str:
    """Why the layer does not read as what was tried in it, or ''."""
    if not all((layer.root / name).exists() for name in ("gone", "d/old")):
        return "what is deleted in an overlay is gone below it"
    upper, below = open_folder(layer.upper), open_folder(layer.root)
    top = Folder(upper, below)
    try:
        inner = top.enter("d")
        seen = (top.names(), top.look("gone"), inner.names(), inner.base)
        inner.close()
    except OSError as error:
        return str(error)
    finally:
        top.close()
    return "" if seen == (["d", "gone"], None, ["new"], None) else "its layer cannot be read"

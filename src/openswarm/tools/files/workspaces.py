"""The working copies of all agents of a run, and what of them an agent has seen."""

import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from openswarm.core.errors import ToolError
from openswarm.tools.files.changes import note_changes
from openswarm.tools.files.copy import Snapshot, WorkingCopy
from openswarm.tools.files.merged import Identity
from openswarm.tools.files.merging import Merging
from openswarm.tools.files.roots import Root, named, open_roots
from openswarm.tools.files.secrets import is_secret
from openswarm.tools.setup import ToolSetup

T = TypeVar("T")
FOLDER = "files"
AT_ONCE = 16
"""Threads that work on files for a whole run."""
_AGENT = re.compile(r"[\w-]+(/[\w-]+)*")
UNREAD = "read it first: what is not known is not changed blindly"
STALE = "it changed since you read it; read it again, then change it"

Change = Callable[[Snapshot], bytes]
"""The new content of a file. Raises `ToolError`."""


class Workspaces:
    """Where the file tools of a run work."""

    def __init__(
        self, setup: ToolSetup, roots: tuple[Root, ...], hidden: frozenset[Identity]
    ) -> None:
        self.setup = setup
        self.roots = roots
        self._folder = setup.scratch / FOLDER
        self._hidden = hidden
        self._threads = anyio.CapacityLimiter(AT_ONCE)
        self._writing: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)
        self._copies: dict[tuple[str, str], WorkingCopy] = {}
        self._seen: dict[tuple[str, str], dict[tuple[str, ...], str]] = {}
        """By agent and root: the hash of each file as the agent last read or wrote it."""
        self._handed_over: set[str] = set()
        """Agents that wrote nothing since their changes were last merged or left."""
        self._merging = Merging(setup)

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """Runs what works on files."""
        return await anyio.to_thread.run_sync(partial(function, *arguments), limiter=self._threads)

    def copy(self, agent: str, root: Root) -> WorkingCopy:
        """An agent's working copy of a root."""
        if not _AGENT.fullmatch(agent):
            raise ToolError(f"{agent!r} is not the path of an agent")
        key = (agent, root.name)
        if key not in self._copies:
            folder = self._folder / agent.replace("/", ".") / root.name
            self._copies[key] = WorkingCopy(root, folder, self._hidden)
        return self._copies[key]

    async def upper(self, agent: str, root: Root) -> Path:
        """The folder with what an agent wrote to a root, made if need be, for overlayfs."""
        copy = self.copy(agent, root)
        await self.in_thread(copy.start)
        return copy.upper

    async def note(self, agent: str) -> None:
        """To be called after a program wrote into an agent's uppers: notes what its changes were
        made from."""
        async with self._writing[agent]:
            self._handed_over.discard(agent)
            for root in self.roots:
                copy = self.copy(agent, root)
                if await self.in_thread(lambda copy=copy: copy.exists):
                    await self.in_thread(note_changes, copy)

    async def read(self, agent: str, path: str) -> Snapshot:
        """A file as an agent sees it, and marks it as seen. Raises `ToolError`."""
        root, parts = named(self.roots, path)
        copy = self.copy(agent, root)
        snapshot = await self.in_thread(copy.read, parts)
        if snapshot.data is None:
            raise ToolError(f"{root.shown(parts)}: there is no such file; `glob` lists them")
        if is_secret(snapshot.path) and not is_secret(parts):
            real = root.shown(snapshot.path)
            raise ToolError(f"{root.shown(parts)} is a link to {real}; read that by its own name")
        self._mark(agent, root, snapshot, snapshot.version.sha)
        return snapshot

    async def change(self, agent: str, path: str, change: Change) -> Snapshot:
        """Replaces a file by what `change` makes of it; what it was. Raises `ToolError` if it
        exists and the agent has not read it as it is."""
        root, parts = named(self.roots, path)
        copy = self.copy(agent, root)
        async with self._writing[agent]:
            snapshot = await self.in_thread(copy.read, parts)
            self._check_seen(agent, root, snapshot)
            data = await self.in_thread(change, snapshot)
            self._handed_over.discard(agent)
            version = await self.in_thread(copy.write, snapshot, data)
            self._mark(agent, root, snapshot, version.sha)
        return snapshot

    async def merge(self, agent: str, finished: bool) -> str:
        """Merges what an agent changed into the roots; what its report is to say of it.

        Every tool that changes files calls it at its release: only the first call does anything.
        """
        copies = [self.copy(agent, root) for root in self.roots]
        async with self._writing[agent]:
            if agent in self._handed_over:
                return ""
            self._handed_over.add(agent)
            note = await self._merging.merge(agent, copies, finished=finished)
        for root in self.roots:
            self._seen.pop((agent, root.name), None)
        return note

    async def recover(self) -> None:
        """Finishes what an earlier process of this run began to merge."""
        agents = await self.in_thread(_agents, self._folder)
        copies = [self.copy(agent, root) for agent in agents for root in self.roots]
        await self._merging.recover(copies)

    def shown(self, path: str) -> str:
        """A path that a model wrote, as it is written back. Raises `ToolError`."""
        root, parts = named(self.roots, path)
        return root.shown(parts)

    def _check_seen(self, agent: str, root: Root, snapshot: Snapshot) -> None:
        if snapshot.data is None:
            return
        seen = self._seen.get((agent, root.name), {}).get(snapshot.path)
        if seen != snapshot.version.sha:
            why = UNREAD if seen is None else STALE
            raise ToolError(f"{root.shown(snapshot.path)}: {why}")

    def _mark(self, agent: str, root: Root, snapshot: Snapshot, sha: str) -> None:
        self._seen.setdefault((agent, root.name), {})[snapshot.path] = sha


async def open_workspaces(setup: ToolSetup, _: AsyncExitStack) -> Workspaces:
    """The working copies of a run. Raises `UserError` for roots that cannot be used."""

    def opened() -> Workspaces:
        roots = open_roots(setup.roots)
        (setup.scratch / FOLDER).mkdir(parents=True, exist_ok=True)
        return Workspaces(setup, roots, _identities(setup.scratch, setup.home))

    workspaces = await anyio.to_thread.run_sync(opened)
    await workspaces.recover()
    return workspaces


def _identities(*folders: Path) -> frozenset[Identity]:
    """openswarm's own folders, which no agent sees even if they lie in a root."""
    found = [folder.stat() for folder in folders if folder.is_dir()]
    return frozenset((status.st_dev, status.st_ino) for status in found)


def _agents(folder: Path) -> list[str]:
    """The agents that have working copies."""
    names = sorted(entry.name.replace(".", "/") for entry in folder.iterdir())
    return [name for name in names if _AGENT.fullmatch(name)]

"""A folder for one call of a file tool from Python: what is changed goes into it at once."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import anyio.to_thread

from openswarm.core.errors import ToolError
from openswarm.core.tooling import Policy
from openswarm.tools.files.workspaces import Workspaces, open_workspaces
from openswarm.tools.setup import MERGE, ToolSetup
from openswarm.tools.tool import ToolContext

ALONE = ToolContext("root", "alone")
"""Whose call it is."""


@asynccontextmanager
async def alone(root: str | Path, reading: str = "") -> AsyncIterator[Workspaces]:
    """The working copy of a folder, merged when the block is left without an error.

    `reading` is a file that counts as read. Raises `UserError` for a root that cannot be used.
    """
    async with AsyncExitStack() as stack:
        folder = await anyio.to_thread.run_sync(tempfile.TemporaryDirectory)
        stack.push_async_callback(anyio.to_thread.run_sync, folder.cleanup)
        place = Path(folder.name)
        roots = [await anyio.to_thread.run_sync(_absolute, root)]
        policy = Policy(rules={MERGE: "allow"})
        setup = ToolSetup(place, place, roots=roots, policy=policy)
        workspaces = await open_workspaces(setup, stack)
        with suppress(ToolError):  # a file that is not there yet
            await workspaces.read(ALONE.agent, reading)
        yield workspaces
        await workspaces.merge(ALONE.agent, finished=True)


def _absolute(root: str | Path) -> str:
    return str(Path(root).expanduser().absolute())

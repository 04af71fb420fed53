"""A sandbox for one call from Python, with a scratch folder that is gone afterwards."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio.to_thread

from openswarm.journal.removal import remove
from openswarm.tools.sandbox.sandbox import Sandbox, open_sandbox
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import ToolContext

ALONE = ToolContext("root", "alone")
"""Whose call it is."""


@asynccontextmanager
async def alone(roots: Sequence[str], *, unsafe: bool) -> AsyncIterator[Sandbox]:
    """The sandbox. Raises `SettingsError` where nothing confines, unless `unsafe`."""
    async with AsyncExitStack() as stack:
        place = Path(await anyio.to_thread.run_sync(tempfile.mkdtemp))
        stack.push_async_callback(anyio.to_thread.run_sync, remove, place)
        setup = ToolSetup(place, place, roots=roots, unsafe_no_sandbox=unsafe)
        yield await open_sandbox(setup, stack)

"""One merge into a root at a time, also against other processes."""

import fcntl
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread

from openswarm.tools.files.disk import trouble
from openswarm.tools.files.merged import open_folder
from openswarm.tools.files.roots import Root


class RootLocks:
    """The locks of the roots of a run. The folder itself is locked, so that no file is left."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)

    @asynccontextmanager
    async def alone_in(self, root: Root) -> AsyncIterator[None]:
        """Nobody else of openswarm merges into the root meanwhile. Raises `ToolError`."""
        async with self._locks[root.name]:
            try:
                folder = await anyio.to_thread.run_sync(open_folder, root.path)
            except OSError as error:
                raise trouble(f"the folder {root.name} cannot be opened", error) from None
            try:
                # closing it gives the lock back, even if the thread that waits was left alone
                await anyio.to_thread.run_sync(
                    fcntl.flock, folder, fcntl.LOCK_EX, abandon_on_cancel=True
                )
                yield
            finally:
                os.close(folder)

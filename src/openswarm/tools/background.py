"""Tasks that a tool keeps running for as long as its run."""

from contextlib import AsyncExitStack

import anyio
from anyio.abc import TaskGroup


async def open_background(stack: AsyncExitStack) -> TaskGroup:
    """A task group whose tasks are cancelled and waited for when the stack is left.

    What ends the run comes out of the stack as it was raised, and in no group of errors.
    """
    tasks = await anyio.create_task_group().__aenter__()

    async def end() -> None:
        # not entered into the stack: what passes through a task group comes out as a group
        tasks.cancel_scope.cancel()
        await tasks.__aexit__(None, None, None)

    stack.push_async_callback(end)
    return tasks

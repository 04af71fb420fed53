"""The end of an agent's work: whatever becomes of it, its tools let go of what they hold for it."""

from collections.abc import Awaitable, Callable

import anyio

from openswarm.agent.loop import Ending
from openswarm.tools.toolset import Toolset

PATIENCE_S = 10.0
"""What tools get to let go of what an agent held that was killed or broke."""


async def with_release(
    run: Callable[[], Awaitable[Ending]], tools: Toolset, path: str
) -> tuple[Ending, str]:
    """The ending of an agent's run, and what its tools have to say of what they handed over.

    An agent that completed its work hands over what it made, such as changed files; one that was
    stopped half-way or broke hands over nothing, and what it held is let go of. Raises what `run`
    raises.
    """
    try:
        ending = await run()
    except BaseException:
        with anyio.move_on_after(PATIENCE_S, shield=True):
            await tools.release(path, finished=False)
        raise
    return ending, await tools.release(path, finished=ending.outcome == "completed")

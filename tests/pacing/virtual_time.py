"""Running an async function on a clock that jumps: schedules are tested without waiting."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from trio.testing import MockClock


def backend() -> tuple[str, dict[str, Any]]:
    """An `anyio_backend` whose clock jumps to the next deadline when nobody can go on."""
    return "trio", {"clock": MockClock(autojump_threshold=0)}


def run(main: Callable[[], Awaitable[None]], limit_s: float = 100_000.0) -> None:
    """Runs `main` in virtual time; what hangs raises `TimeoutError`."""

    async def bounded() -> None:
        with anyio.fail_after(limit_s):
            await main()

    name, options = backend()
    anyio.run(bounded, backend=name, backend_options=options)

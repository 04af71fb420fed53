"""The live view: the screen of a run, drawn again when something happened."""

import time
from collections.abc import Callable
from types import TracebackType

import anyio
from rich.console import Console
from rich.live import Live

from openswarm.cli.followed import Followed
from openswarm.cli.screen import screen
from openswarm.core.events import AnyEvent, Tick

FRAME_S = 1 / 8
"""The shortest time between two drawings."""
IDLE_FRAMES = 8
"""With nothing new the clock is still drawn, once in so many frames."""


class LiveView:
    """A `Display` that draws on a terminal and leaves nothing of it behind."""

    def __init__(
        self,
        followed: Followed,
        console: Console,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.followed = followed
        self._console = console
        self._clock = clock
        self._stopwatch = stopwatch
        self._changed = True
        self._notice = ""
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def take(self, event: AnyEvent | Tick) -> None:
        """Takes the next event or tick; it is drawn with the next frame."""
        self.followed.take(event)
        self._changed = True

    replay = take

    def say(self, line: str) -> None:
        """Shows a line in the view until the next one."""
        self._notice, self._changed = line, True

    async def keep_fresh(self) -> None:
        """Draws until it is cancelled: at most once a frame, only what changed, and never for more
        than a tenth of the time."""
        idle = 0
        while True:
            idle += 1
            began = self._stopwatch()
            if self._changed or idle >= IDLE_FRAMES:
                self._changed, idle = False, 0
                frame = screen(self.followed, self._console, self._clock(), self._notice)
                self._live.update(frame, refresh=True)
            await anyio.sleep(max(FRAME_S, 9 * (self._stopwatch() - began)))

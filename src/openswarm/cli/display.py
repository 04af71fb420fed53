"""How a run is shown while it works: the protocol, and the choice between its two forms."""

import sys
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console

from openswarm.cli.followed import Followed
from openswarm.cli.live import LiveView
from openswarm.cli.plain import PlainLines
from openswarm.core.events import AnyEvent, Tick


class Display(Protocol):
    """Shows a run; a context manager, open for as long as the run is shown."""

    followed: Followed

    def take(self, event: AnyEvent | Tick) -> None:
        """Takes the next event or tick of the run."""
        ...

    def replay(self, event: AnyEvent) -> None:
        """Takes an event of the past."""
        ...

    def say(self, line: str) -> None:
        """Shows a line that is no event."""
        ...

    async def keep_fresh(self) -> None:
        """Redraws until it is cancelled."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def choose_display(*, plain: bool) -> Display:
    """The live view where standard error is a terminal that can be drawn on, lines elsewhere."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    if plain or not sys.stderr.isatty() or console.is_dumb_terminal:
        return PlainLines(Followed())
    return LiveView(Followed(), console)

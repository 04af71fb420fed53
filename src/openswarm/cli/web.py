"""`run --web`: the run of this terminal, served for a browser while it is at work and after it."""

import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from openswarm.cli.exits import say
from openswarm.cli.serve import (
    PORT,
    address_of,
    has_uvloop,
    kept_token,
    need_server,
    served_specs,
    until_signal,
)
from openswarm.core.errors import SettingsError
from openswarm.core.events import AnyEvent, RunStarted, Tick
from openswarm.core.result import RunResult
from openswarm.core.settings import Settings

if TYPE_CHECKING:
    import socket

    from openswarm.cli.work import Work
    from openswarm.journal.journal import Observer
    from openswarm.server.service import ServeOptions, Service


@dataclass(slots=True)
class WebView:
    """The web view of one run."""

    options: "ServeOptions"
    server: "socket.socket"
    address: str
    opens: bool
    """Whether a browser is opened, where there is one."""
    run_id: str = ""

    def serving(self, work: "Work", tell: Callable[[str], None]) -> "Work":
        """The same work, with a server beside it; `tell` says where it can be watched."""

        async def served(observer: "Observer") -> RunResult:
            from openswarm.server.serving import serve

            results: list[RunResult] = []

            def observe(event: AnyEvent | Tick) -> None:
                if isinstance(event, RunStarted) and not self.run_id:
                    self.run_id = event.run
                    self._show(tell)
                observer(event)

            async def beside(service: "Service") -> None:
                results.append(
                    await service.desk.attached(lambda seen: work(observer=seen), observe)
                )

            await serve(self.options, self.server, beside)
            return results[0]

        return served

    def _show(self, tell: Callable[[str], None]) -> None:
        page = f"{self.address}/#/run/{self.run_id}?token={self.options.token}"
        tell(f"watch it: {page}")
        if self.opens:
            webbrowser.open(page)

    def linger(self) -> None:
        """Goes on serving until Ctrl-C, where a person is there to end it."""
        from openswarm.server.serving import listen

        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return
        say(f"still served: {self.address}/#token={self.options.token}; Ctrl-C ends it")
        server = listen(self.options.host, self.options.port)
        anyio.run(until_signal, self.options, server, backend_options={"use_uvloop": has_uvloop()})


def open_view(given: dict[str, Any], home: Path, settings: Settings) -> WebView:
    """The web view for a run of these options. Raises `SettingsError` for a missing extra."""
    need_server()
    from openswarm.server.service import ServeOptions
    from openswarm.server.serving import listen

    try:
        server = listen("127.0.0.1", PORT)
    except SettingsError:
        server = listen("127.0.0.1", 0)
    options = ServeOptions(
        home=home,
        settings=settings,
        specs=served_specs(given["model"], (), settings),
        token=kept_token(home),
        port=server.getsockname()[1],
        folders=(Path.cwd(),),
        subagent_spec=given["subagent_model"],
    )
    opens = sys.stderr.isatty() and not given["as_json"]
    return WebView(options, server, address_of(server, "127.0.0.1"), opens)

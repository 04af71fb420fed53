"""`openswarm serve`: the APIs and the web view, until Ctrl-C."""

import os
import secrets
import signal
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import typer

from openswarm.cli import options
from openswarm.cli import serve_options as given
from openswarm.cli.exits import Exit, say
from openswarm.cli.models import fetch_missing
from openswarm.core.errors import SettingsError, UserError
from openswarm.core.settings import Settings
from openswarm.llm.resolve import resolve
from openswarm.modes.parts import model_specs, names_of
from openswarm.modes.settings import home_folder, load_settings
from openswarm.modes.toolbox import expand
from openswarm.tools.http_request import check_addresses

if TYPE_CHECKING:
    import socket

    from openswarm.server.service import ServeOptions, Service

TOKEN_FILE = "token"
PORT = 8700
MEGABYTE = 1024 * 1024


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command(rich_help_panel="Work")(serve)


def serve(
    context: typer.Context,
    host: given.Host = "127.0.0.1",
    port: given.Port = PORT,
    model: options.Model = "",
    also: given.Also = None,
    subagent_model: options.SubagentModel = "",
    token: given.Token = "",
    allow_host: given.AllowHost = None,
    folder: given.Folder = None,
    tools: options.Tools = None,
    over: options.Over = None,
    strict: given.Strict = False,
    max_runs: given.MaxRuns = 16,
    max_body_mb: given.MaxBody = 32,
    yes: options.Yes = False,
) -> int:
    """Serves OpenAI's and Anthropic's API, the runs API, and the web view.

    \b
    Examples:
      openswarm serve --model moonshot/kimi-k2.5 --tools web
      OPENAI_BASE_URL=http://127.0.0.1:8700/v1 OPENAI_API_KEY=TOKEN your-client

    A client chooses by the model's name: openswarm-auto, -instant, -thinking, -agent, -swarm.
    Ctrl-C ends it; runs that are at work can be resumed.
    """
    need_server()
    from openswarm.server.serving import listen

    made = _options(context.params)
    server = listen(host, port)
    typer.echo(greeting(made, address_of(server, host)))
    anyio.run(until_signal, made, server, backend_options={"use_uvloop": has_uvloop()})
    return Exit.COMPLETED


def _options(params: dict[str, Any]) -> "ServeOptions":
    """The server's options. Raises `UserError` and `SettingsError` before anything listens."""
    from openswarm.server.service import ServeOptions

    home = home_folder()
    settings = load_settings(home)
    specs = served_specs(params["model"], params["also"] or (), settings)
    fetch_missing((*specs, params["subagent_model"]), settings, home, yes=params["yes"])
    folders = params["folder"] or (Path.cwd(),)
    made = ServeOptions(
        home=home,
        settings=settings,
        specs=specs,
        token=params["token"] or kept_token(home),
        host=params["host"],
        port=params["port"],
        hosts=tuple(params["allow_host"] or ()),
        folders=tuple(path.expanduser().absolute() for path in folders),
        tools=names_of(params["tools"] or ()),
        over=tuple(params["over"] or ()),
        strict=params["strict"],
        max_runs=params["max_runs"],
        max_body_bytes=params["max_body_mb"] * MEGABYTE,
        subagent_spec=params["subagent_model"],
    )
    _check(made)
    return made


def need_server() -> None:
    """Raises `SettingsError` where the extra is missing."""
    if missing := [n for n in ("starlette", "uvicorn", "python_multipart") if not find_spec(n)]:
        raise SettingsError(f"the server needs {missing[0]}: pip install 'openswarm[serve]'")


def served_specs(model: str, also: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """The specifications that are served, the default first."""
    first = model_specs(model, "", settings)[0]
    return tuple(dict.fromkeys((first, *also)))


def _check(made: "ServeOptions") -> None:
    """Raises `UserError` for what is not there and a token that no header can carry, and
    `SettingsError` for a tool that the settings let do nothing."""
    from openswarm.tools.corpus.discovery import is_url
    from openswarm.tools.corpus.discovery import resolve as found

    if "" in (made.host, *made.hosts):
        raise UserError("--host and --allow-host take a name or an address, and one is empty")
    if "http_request" in expand(made.tools):
        check_addresses(made.settings.tools)
    for spec in filter(None, (*made.specs, made.subagent_spec)):
        resolve(spec, made.settings, os.environ, made.home)
    for source in made.over:
        if not is_url(source):
            found(source)
    if not (made.token.isascii() and made.token.isprintable()) or " " in made.token:
        raise UserError("--token takes letters, digits and signs of ASCII, and no spaces")
    for path in made.folders:
        if not path.is_dir():
            raise UserError(f"--folder {path} is not a folder")


def kept_token(home: Path) -> str:
    """The token of this home, made at the first use and readable by its owner alone."""
    path = home / TOKEN_FILE
    try:
        if token := path.read_text(encoding="ascii").strip():
            return token
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    home.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(24)
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(f"{token}\n", encoding="ascii")
    part.replace(path)
    return token


def address_of(server: "socket.socket", host: str) -> str:
    """The address as a browser here reaches it."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{server.getsockname()[1]}"


def greeting(made: "ServeOptions", address: str) -> str:
    """What is served and where, for people; its first address opens the web view."""
    from openswarm.server.guard import is_open_address

    lines = [
        f"openswarm serves {made.specs[0]}",
        f"  web view   {address}/#token={made.token}",
        f"  OpenAI     {address}/v1",
        f"  Anthropic  {address}/anthropic",
        f"  token      {made.token}",
        "  models     openswarm-auto, -instant, -thinking, -agent, -swarm"
        + "".join(f"; with @{spec}" for spec in made.specs[1:]),
    ]
    if is_open_address(made.host):
        lines.append("  Other computers can reach it: whoever has the token can spend your money.")
    return "\n".join([*lines, "Ctrl-C ends it; runs that are at work can be resumed."])


def has_uvloop() -> bool:
    """Whether the faster event loop is installed."""
    return find_spec("uvloop") is not None


async def until_signal(made: "ServeOptions", server: "socket.socket") -> None:
    """Serves until Ctrl-C or SIGTERM; a second one does not wait for requests under way."""
    from openswarm.server.serving import serve as serve_on

    async def wait(service: "Service") -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                break
        if at_work := service.desk.at_work:
            say(f"{len(at_work)} runs are left where they are: openswarm resume {at_work[0]}")

    await serve_on(made, server, wait)

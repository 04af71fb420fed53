"""Real command-line clients against the server, with a scripted model behind it.

`python -m bench.clients [NAME …]` installs each client with npm into a temporary folder, starts
the server on loopback, and lets the client do one prompt that takes a shell command. Its output has
to come back in the answer, and the model's thoughts with their proof (where the wire has one) in
the second request. The clients see no keys and a home of their own. One that cannot be installed is
skipped. Exit code 1 where one fails.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.to_thread
from rich.console import Console
from rich.table import Table

from bench.client_setups import CLIENTS, COMMAND, OUTPUT, TOKEN, Client, Place
from openswarm.core.messages import Message, Role, ToolCall, Usage
from openswarm.core.settings import Settings
from openswarm.llm.model import Delta, ModelInfo, OnDelta, Reply, Request, ToolSpec, ignore
from openswarm.server.service import ServeOptions, Service
from openswarm.server.serving import listen, serve

THOUGHT = "A command is the way to find out."
SAID = "I run it."
LAYOUT = json.dumps([["thinking", len(THOUGHT), "the-proof"], ["text", len(SAID)], ["call"]])
TIMEOUT_S = 180.0
WIDTH = 150
_SHELLS = ("bash", "shell", "exec_command", "shell_command", "run_shell_command")


class Backend:
    """A model that calls the client's shell once, and then says what that printed."""

    spec = resource = "scripted"
    info = ModelInfo()

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], list[Message]]] = []
        """The tools' names and the conversation of each request."""

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        history = list(request.history)
        self.asked.append((tuple(tool.name for tool in request.tools), history))
        shell = next((tool for tool in request.tools if tool.name.lower() in _SHELLS), None)
        last = history[-1]
        message = Message(role="assistant", content="There is no shell.", reasoning=THOUGHT)
        if last.role == "tool":
            message = message.model_copy(update={"content": f"The shell says: {last.text}"})
        elif shell is not None:
            call = ToolCall(
                id=f"functions.{shell.name}:0", name=shell.name, arguments=call_of(shell)
            )
            changed = {"content": SAID, "tool_calls": (call,), "signature": LAYOUT}
            message = message.model_copy(update=changed)
        on_delta(Delta("reasoning", message.reasoning))
        if message.text:
            on_delta(Delta("text", message.text))
        finish = "tool_calls" if message.tool_calls else "stop"
        return Reply(message, Usage(input_tokens=1000, output_tokens=20), finish)

    def input_bound(self, request: Request) -> int:
        """See `ChatModel.input_bound`."""
        return sum(len(message.text.encode()) + 100 for message in request.history)

    async def aclose(self) -> None:
        """See `ChatModel.aclose`."""

    @property
    def most_tools(self) -> int:
        """How many tools the client offered at the most."""
        return max((len(tools) for tools, _ in self.asked), default=0)

    @property
    def called(self) -> list[Message]:
        """The replies with calls that the client sent back."""
        return [message for message in self.heard("assistant") if message.tool_calls]

    def heard(self, role: Role) -> list[Message]:
        """All messages of a role, in all requests."""
        return [m for _, messages in self.asked for m in messages if m.role == role]


def call_of(shell: ToolSpec) -> str:
    """Arguments that run the command, whatever the tool calls them."""
    schema = json.loads(shell.parameters)
    given: dict[str, object] = {}
    for name, kind in schema.get("properties", {}).items():
        if name in ("command", "cmd"):
            given[name] = ["bash", "-c", COMMAND] if kind.get("type") == "array" else COMMAND
        elif name in schema.get("required", ()):
            given[name] = "prints a number" if kind.get("type") == "string" else 10_000
    return json.dumps(given)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one client did."""

    client: Client
    backend: Backend = field(default_factory=Backend)
    skipped: str = ""
    """Why it was not run."""
    exit_code: int = 0
    wall_s: float = 0.0
    output: str = ""
    log: str = ""

    @property
    def has_thoughts(self) -> bool:
        """Whether the thoughts before the call came back to the model."""
        return any(message.reasoning == THOUGHT for message in self.backend.called)

    @property
    def has_proof(self) -> bool:
        """Whether the backend's own proof of them came back."""
        return any(message.signature == LAYOUT for message in self.backend.called)

    @property
    def passed(self) -> bool:
        """Whether the client ran the command, said what it printed, and kept the thoughts."""
        ran = any(OUTPUT in message.text for message in self.backend.heard("tool"))
        kept = self.has_thoughts and (self.has_proof or self.client.wire == "chat")
        return self.exit_code == 0 and ran and OUTPUT in self.output and kept


async def install(client: Client, folder: Path) -> str:
    """Installs the packages into a new folder; '' or why that failed."""
    command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund"]
    done = await anyio.run_process([*command, *client.packages], check=False)
    return "" if done.returncode == 0 else done.stderr.decode(errors="replace")[-300:]


async def try_client(client: Client, root: Path) -> Outcome:
    """Installs a client and lets it do the prompt."""
    here = root / client.name
    if problem := await install(client, here):
        return Outcome(client, skipped=f"npm: {problem}")
    backend = Backend()
    home, folder = here / "home", here / "work"
    options = ServeOptions(
        home=here / "state", settings=Settings(), specs=("scripted",), token=TOKEN,
        models={"scripted": backend},
    )  # fmt: skip
    socket = listen("127.0.0.1", 0)
    place = Place(here, home, folder, f"http://127.0.0.1:{socket.getsockname()[1]}")
    outcomes: list[Outcome] = []

    async def beside(_: Service) -> None:
        outcomes.append(await ask(client, place, backend))

    await serve(options, socket, beside)
    return outcomes[0]


def prepare(client: Client, place: Place) -> None:
    """Makes the home and the folder, and writes the client's settings."""
    place.home.mkdir()
    place.folder.mkdir()
    for name, text in client.files(place).items():
        path = place.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


async def ask(client: Client, place: Place, backend: Backend) -> Outcome:
    """One prompt, from a home of its own."""
    prepare(client, place)
    node = str(Path(place.program("node")).parent)
    environment = {
        "HOME": str(place.home), "PATH": f"{node}:{os.environ['PATH']}", "LANG": "C.UTF-8",
        "TERM": "dumb", **client.environment(place),
    }  # fmt: skip
    begun = time.monotonic()
    command = client.command(place)
    code, output, log = await anyio.to_thread.run_sync(finished, command, environment, place.folder)
    wall_s = time.monotonic() - begun
    return Outcome(client, backend, exit_code=code, wall_s=wall_s, output=output, log=log)


def finished(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> tuple[int, str, str]:
    """Exit code, output and log of a command; nothing that it started is left."""
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            output, log = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return -1, "", f"it did not end within {TIMEOUT_S:.0f} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, output, log


def table(outcomes: Sequence[Outcome]) -> Table:
    """One line a client."""
    shown = Table(title="Command-line clients against openswarm serve")
    for name in ("client", "packages", "wire", "passed", "exit", "s", "requests", "tools",
                 "thoughts back", "proof back"):  # fmt: skip
        shown.add_column(name)
    for outcome in outcomes:
        client, backend = outcome.client, outcome.backend
        row = [client.name, " ".join(client.packages), client.wire]
        if outcome.skipped:
            shown.add_row(*row, "skipped")
            continue
        proof = "" if client.wire == "chat" else _yes(outcome.has_proof)
        shown.add_row(
            *row, _yes(outcome.passed), str(outcome.exit_code), f"{outcome.wall_s:.1f}",
            str(len(backend.asked)), str(backend.most_tools), _yes(outcome.has_thoughts), proof,
        )  # fmt: skip
    return shown


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def chosen(arguments: Sequence[str]) -> list[Client]:
    """The clients that are named, each with other versions where they are given."""
    parser = argparse.ArgumentParser(prog="python -m bench.clients", description=__doc__)
    names = [client.name for client in CLIENTS]
    parser.add_argument("clients", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument(
        "--package", action="append", default=[], metavar="NAME@VERSION",
        help="another version of a client's package",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if unknown := set(options.clients) - set(names):
        parser.error(f"unknown client {sorted(unknown)[0]!r}; there are {', '.join(names)}")
    other = {package.rpartition("@")[0]: package for package in options.package}
    return [
        replace(
            client,
            packages=tuple(other.get(name.rpartition("@")[0], name) for name in client.packages),
        )
        for client in CLIENTS
        if client.name in (options.clients or names)
    ]


async def run(clients: Sequence[Client]) -> list[Outcome]:
    """All of them, one after the other."""
    root = Path(tempfile.mkdtemp(prefix="openswarm-clients-"))
    try:
        outcomes = []
        for client in clients:
            print(f"{client.name} …", file=sys.stderr)
            outcomes.append(await try_client(client, root))
        return outcomes
    finally:
        shutil.rmtree(root, ignore_errors=True)


def main() -> int:
    """Runs what is named, or all; prints the table."""
    if shutil.which("npm") is None:
        print("npm is missing; install Node.js to run this", file=sys.stderr)
        return 1
    outcomes = anyio.run(run, chosen(sys.argv[1:]))
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(table(outcomes))
    failed = [o for o in outcomes if not o.skipped and not o.passed]
    for outcome in outcomes:
        if outcome.skipped:
            console.print(f"{outcome.client.name} was skipped: {outcome.skipped}", markup=False)
    for outcome in failed:
        console.print(
            f"{outcome.client.name} failed:\n{outcome.output[-1500:]}\n{outcome.log[-3000:]}",
            markup=False,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

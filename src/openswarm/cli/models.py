"""`openswarm models`: the models that run on this computer, and fetching them."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from openswarm.cli.exits import Interrupted, say
from openswarm.cli.result import output, print_grid, print_json
from openswarm.cli.tables import grid
from openswarm.cli.text import size
from openswarm.core.settings import Settings
from openswarm.modes.settings import home_folder

PREFIX = "local/"

models_app = typer.Typer(
    no_args_is_help=True,
    help="Models that run on this computer, without a key.\n\n"
    "Example: openswarm models pull local/qwen2.5-coder-1.5b",
)


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.add_typer(models_app, name="models", rich_help_panel="Set up")


@models_app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array.")] = False,
) -> None:
    """Lists the models that can be fetched, and which are here.

    \b
    Example:
      openswarm models list
    """
    from openswarm.llm.catalogue import CATALOGUE
    from openswarm.llm.weights import is_present, k25_models, location

    home = home_folder()
    found = [
        {
            "model": PREFIX + entry.name,
            "here": is_present(entry.name, home),
            "bytes": entry.size,
            "licence": entry.licence,
            "about": entry.about,
            "path": str(location(entry.name, home)),
        }
        for entry in CATALOGUE
    ] + [_of_shape(name, folder) for name, folder in k25_models(home).items()]
    if as_json:
        print_json(found)
        return
    page = output()
    made = grid(page, ("model", "here"), ("size",), "about")
    for facts in found:
        here = "yes" if facts["here"] else "no"
        about = "; ".join(filter(None, (facts["about"], facts["licence"])))
        made.add_row(facts["model"], here, size(facts["bytes"]), about)
    print_grid(page, made)


def _of_shape(name: str, folder: Path) -> dict[str, Any]:
    """A K2.5-shaped model that is here, as an entry of the list."""
    from openswarm.llm.policy.folder import is_policy

    kind = "a trained orchestrator" if is_policy(folder) else "of Kimi K2.5's shape"
    return {
        "model": PREFIX + name,
        "here": True,
        "bytes": sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
        "licence": "",
        "about": f"{kind}, in PyTorch; README.md in its folder says what it can do",
        "path": str(folder),
    }


@models_app.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="A model of `openswarm models list`.")],
) -> None:
    """Fetches a model; what was interrupted goes on where it stopped.

    \b
    Example:
      openswarm models pull local/qwen2.5-coder-1.5b

    A file whose SHA-256 is not the known one is refused.
    """
    path = fetch(name, home_folder())
    say(f"{PREFIX}{name.removeprefix(PREFIX)} is here: {path}")


def fetch(name: str, home: Path) -> Path:
    """Fetches a model with a progress bar; where its file lies. Raises `OpenswarmError`."""
    from openswarm.llm.catalogue import weights_of
    from openswarm.llm.weights import pull as pull_weights

    entry = weights_of(name.removeprefix(PREFIX))
    try:
        with progress_of(PREFIX + entry.name, entry.size) as progress:
            return anyio.run(partial(pull_weights, entry.name, home, progress=progress))
    except KeyboardInterrupt:
        advice = f"what came is kept; go on: openswarm models pull {PREFIX}{entry.name}"
        raise Interrupted(advice) from None


def fetch_missing(
    given: Sequence[str], settings: Settings, home: Path, *, yes: bool = False
) -> None:
    """Offers to fetch the local models that a run needs; without a terminal to ask, it leaves the
    run to say what is missing."""
    from openswarm.llm.catalogue import CATALOGUE
    from openswarm.llm.resolve import default_spec
    from openswarm.llm.weights import is_present

    wanted = given[0] or settings.model or default_spec(os.environ)[0]
    names = [spec.removeprefix(PREFIX) for spec in (wanted, *given[1:]) if spec.startswith(PREFIX)]
    known = {entry.name: entry for entry in CATALOGUE}
    for name in dict.fromkeys(names):
        if name not in known or is_present(name, home):
            continue
        question = (
            f"{PREFIX}{name} is not on this computer yet. Fetch it ({size(known[name].size)})?"
        )
        asked = sys.stdin.isatty() and sys.stderr.isatty()
        if yes or (asked and typer.confirm(question, default=True, err=True)):
            fetch(name, home)


@contextmanager
def progress_of(what: str, total: int) -> Iterator[Callable[[int, int], None]]:
    """What is told how many bytes are there, of how many: a bar, or a line for every tenth."""
    console = Console(stderr=True, highlight=False, markup=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Tenths(what)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task(what, total=total)
        yield lambda done, _: bars.update(bar, completed=done)


class _Tenths:
    """Says each tenth once."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said = -1

    def __call__(self, done: int, total: int) -> None:
        tenth = 10 * done // max(1, total)
        if tenth > self._said:
            self._said = tenth
            say(f"{self._what}: {size(done)} of {size(total)}")

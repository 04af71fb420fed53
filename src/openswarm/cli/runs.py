"""`openswarm runs`, `runs rm` and `runs add`: what lies in the home folder."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from openswarm.cli.exits import say
from openswarm.cli.result import output, print_grid, print_json
from openswarm.cli.tables import grid
from openswarm.cli.text import count, dollars, one_line, size, tokens
from openswarm.core.errors import UserError
from openswarm.journal.archive import unpack
from openswarm.journal.index import RunSummary, list_runs, remove_run, resolve_run
from openswarm.modes.settings import home_folder, load_settings, runs_folder

STYLE = {"completed": "green", "running": "cyan", "failed": "red", "damaged": "red"}
BROKEN = ("failed", "empty", "damaged")
DAY_S = 86_400

runs_app = typer.Typer()


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.add_typer(runs_app, name="runs", rich_help_panel="Look")


@runs_app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array, newest first.")] = False,
) -> None:
    """Lists the runs, newest first.

    \b
    Examples:
      openswarm runs
      openswarm runs rm --older-than 30
      openswarm runs add run.zip
    """
    if context.invoked_subcommand is not None:
        return
    found = list_runs(home_folder())
    if as_json:
        print_json([run.model_dump() for run in found])
    elif found:
        _print_runs(found)
    else:
        say('no runs yet; begin one with: openswarm run "…"')


def _print_runs(found: list[RunSummary]) -> None:
    page = output()
    left = ("run", "started", "mode", "outcome")
    made = grid(page, left, ("sub-agents", "tokens", "cost", "size"), "task")
    for run in found:
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started_at))
        made.add_row(
            run.run_id,
            started,
            Text(run.mode),
            Text(run.outcome, STYLE.get(run.outcome, "yellow")),
            str(run.sub_agents),
            tokens(run.tokens),
            dollars(run.cost_usd),
            size(run.bytes),
            Text(one_line(run.why if run.outcome == "damaged" else run.task)),
        )
    print_grid(page, made)


@runs_app.command("add")
def add(
    file: Annotated[
        Path, typer.Argument(help="A run as a file, from openswarm export.", metavar="FILE.zip")
    ],
) -> None:
    """Adds a run that somebody packed with openswarm export, so that it can be looked at here.

    \b
    Example:
      openswarm export last --out run.zip      there
      openswarm runs add run.zip               here

    The file may come from anybody: what is not one whole run is refused, and nothing in it is
    carried out. A resume does carry it out: it asks the models and reads the paths that the run
    names, so resume only runs of those whom you trust.
    """
    folder = unpack(file, runs_folder(home_folder()))
    say(f"run {folder.name} is in {folder}")
    say(f"  openswarm show {folder.name}")
    say("Resume it only if you trust who made it: it names the files that are read and the models.")


@runs_app.command("rm")
def rm(
    run: Annotated[
        list[str] | None, typer.Argument(help="Runs: ids, starts of ids, or `last`.")
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(
            help="Runs that began more than so many days ago.",
            metavar="DAYS",
            min=0,
            show_default="keep_runs_days of the settings",
        ),
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Runs that failed, came to nothing or are damaged.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Removes runs: those that are named, or all that fit what is said of them. Live runs stay.

    \b
    Examples:
      openswarm runs rm 20261122-073616-91b650
      openswarm runs rm --older-than 30 --failed
    """
    home = home_folder()
    chosen = _named(home, run) if run else _fitting(home, older_than, failed=failed)
    if not chosen:
        say("nothing to remove")
        return
    if not yes:
        _ask(chosen)
    for entry in chosen:
        remove_run(home, entry.run_id)
    say(f"removed {count(len(chosen), 'run')}, {size(sum(entry.bytes for entry in chosen))}")


def _named(home: Path, names: list[str]) -> list[RunSummary]:
    wanted = {resolve_run(home, name).name for name in names}
    return [run for run in list_runs(home) if run.run_id in wanted]


def _fitting(home: Path, older_than: float | None, *, failed: bool) -> list[RunSummary]:
    if older_than is None and not failed:
        older_than = load_settings(home).keep_runs_days or None
        if older_than is None:
            raise UserError(
                "say which runs: their ids, --older-than DAYS or --failed; or set keep_runs_days"
                " in settings.toml"
            )
    before = time.time() - older_than * DAY_S if older_than is not None else time.time()
    return [
        run
        for run in list_runs(home)
        if run.outcome != "running"
        and run.started_at <= before
        and (run.outcome in BROKEN or not failed)
    ]


def _ask(chosen: list[RunSummary]) -> None:
    total = size(sum(run.bytes for run in chosen))
    names = ", ".join(run.run_id for run in chosen[:5])
    what = f"{count(len(chosen), 'run')} ({total}): {names}{' …' if len(chosen) > 5 else ''}"
    if not sys.stdin.isatty():
        raise UserError(f"would remove {what}; add --yes where nobody can be asked")
    typer.confirm(f"Remove {what}?", abort=True, err=True)

"""`openswarm show`: any run, from its journal alone."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from openswarm.cli import options
from openswarm.cli.exits import say
from openswarm.cli.gantt import draw_gantt
from openswarm.cli.load import LoadedRun, load_run
from openswarm.cli.result import (
    output,
    print_grid,
    print_json,
    print_result,
    print_table,
    result_object,
)
from openswarm.cli.tables import agents_grid, cost_grid, event_lines
from openswarm.core.errors import UserError
from openswarm.journal.index import resolve_run
from openswarm.modes.settings import home_folder

VIEWS = "What to show"


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("show", rich_help_panel="Look")(show)


def show(
    run: options.Run,
    agents: Annotated[
        bool, typer.Option("--agents", help="Every agent.", rich_help_panel=VIEWS)
    ] = False,
    table: Annotated[
        bool, typer.Option("--table", help="The table alone.", rich_help_panel=VIEWS)
    ] = False,
    events: Annotated[
        bool, typer.Option("--events", help="The journal, a line an event.", rich_help_panel=VIEWS)
    ] = False,
    cost: Annotated[
        bool, typer.Option("--cost", help="Who used what.", rich_help_panel=VIEWS)
    ] = False,
    gantt: Annotated[
        Path | None,
        typer.Option(
            help="Draw who worked when (needs the extra evals).",
            metavar="FILE.png",
            rich_help_panel=VIEWS,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The object of run --json.", rich_help_panel=VIEWS)
    ] = False,
) -> None:
    """Shows a run: its answer, table and figures, or one of the views below.

    \b
    Examples:
      openswarm show last
      openswarm show 20261122-0731 --agents

    A run that works, was interrupted or lies elsewhere (a path) can be shown as well.
    """
    loaded = load_run(resolve_run(home_folder(), run))
    page = output()
    if as_json:
        print_json(result_object(loaded.result))
    if gantt is not None:
        draw_gantt(loaded.followed, gantt)
        say(f"wrote {gantt}")
    if table:
        _show_table(page, loaded)
    if agents:
        print_grid(page, agents_grid(loaded.followed, page))
    if cost:
        print_grid(page, cost_grid(loaded.events, page))
    if events:
        for line in event_lines(loaded.events):
            page.print(Text(line), soft_wrap=True)
    if not (as_json or gantt or table or agents or cost or events):
        print_result(loaded.result, loaded.followed, about=page)


def _show_table(page: Console, loaded: LoadedRun) -> None:
    found = loaded.followed.view.table
    if found is None:
        raise UserError(
            f"run {loaded.folder.name} has no table; openswarm show {loaded.folder.name}"
        )
    print_table(page, found)

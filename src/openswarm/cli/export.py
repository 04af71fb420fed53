"""`openswarm export`: the table or the answer of a run as a file."""

from pathlib import Path
from typing import Annotated

import typer

from openswarm.cli import options
from openswarm.cli.exits import say
from openswarm.cli.load import load_run
from openswarm.cli.result import export_result
from openswarm.journal.index import resolve_run
from openswarm.modes.settings import home_folder
from openswarm.swarm.export import check_target


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("export", rich_help_panel="Look")(export)


def export(
    run: options.Run,
    out: Annotated[
        list[Path],
        typer.Option(
            help="Where to: .csv, .xlsx, .json or .md; .txt for an answer.", metavar="FILE"
        ),
    ],
    sources: Annotated[
        bool, typer.Option("--sources", help="Beside a CSV, put NAME.sources.csv.")
    ] = False,
) -> None:
    """Writes the table of a run, or the answer where it made none, as a file.

    \b
    Example:
      openswarm export last --out countries.xlsx

    XLSX has a sheet with the source and the quote of every cell; so has JSON under `cells`.
    """
    for path in out:
        check_target(path)
    result = load_run(resolve_run(home_folder(), run)).result
    for path in out:
        export_result(result, path, sources=sources)
        say(f"wrote {path}")

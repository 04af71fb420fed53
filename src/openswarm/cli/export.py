"""`openswarm export`: the table or the answer of a run as a file, or the whole run to share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from openswarm.cli import options
from openswarm.cli.artifacts import write_artifacts
from openswarm.cli.exits import say
from openswarm.cli.load import load_run
from openswarm.cli.result import export_result
from openswarm.cli.text import count
from openswarm.core.errors import UserError
from openswarm.journal.archive import SUFFIX, pack
from openswarm.journal.index import resolve_run
from openswarm.journal.redact import known_secrets
from openswarm.modes.settings import home_folder, load_settings
from openswarm.swarm.export import check_target


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("export", rich_help_panel="Look")(export)


def export(
    run: options.Run,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            help="Where to: .csv, .xlsx, .json, .md, .parquet; .txt: an answer; .zip: the run.",
            metavar="FILE",
        ),
    ] = None,
    artifacts: Annotated[
        Path | None,
        typer.Option(
            help="A folder for the files that tools made: figures, screenshots, data.",
            metavar="FOLDER",
        ),
    ] = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="Beside a CSV, put NAME.sources.csv.")
    ] = False,
) -> None:
    """Writes the table of a run, or the answer where it made none, as a file; or the whole run.

    \b
    Examples:
      openswarm export last --out countries.xlsx
      openswarm export last --out run.zip
      openswarm export last --artifacts figures/

    XLSX has a sheet with the source and the quote of every cell; so has JSON under `cells`.

    A .zip is the run itself, for others to open with openswarm runs add run.zip. Keys that this
    computer knows, what looks like one, and the path of your home folder are taken out; what the
    run read, wrote and answered is all in it.
    """
    if not out and artifacts is None:
        raise UserError("say where to: --out FILE, or --artifacts FOLDER for files of tools")
    archives = [path for path in out or () if path.suffix.lower() == SUFFIX]
    tables = [path for path in out or () if path not in archives]
    for path in out or ():
        (_check_archive if path in archives else check_target)(path)
    folder = resolve_run(home_folder(), run)
    if tables:
        result = load_run(folder).result
        for path in tables:
            export_result(result, path, sources=sources)
            say(f"wrote {path}")
    if artifacts is not None:
        written = write_artifacts(load_run(folder).result, artifacts)
        say(f"wrote {count(written, 'file')} to {artifacts}")
    if archives:
        _share(folder, archives)


def _share(folder: Path, archives: list[Path]) -> None:
    from openswarm.llm.providers import PROVIDERS  # it loads the clients of models

    keys = [key for provider in PROVIDERS.values() for key in provider.keys]
    secrets = known_secrets(os.environ, load_settings(home_folder()), keys)
    for path in archives:
        places = pack(folder, path, secrets)
        say(f"wrote {path} ({count(places, 'secret')} redacted)")
    say(
        "The documents that it read are inside, and all that it wrote: share it only with those who"
        " may read them."
    )


def _check_archive(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it with: mkdir -p")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"{path}: {path.parent} cannot be written to; choose another folder")

"""`openswarm show`: any run, from its journal alone."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from openswarm.cli import options
from openswarm.cli.artifacts import artifacts_grid, made_object, show_patch
from openswarm.cli.exits import say
from openswarm.cli.gantt import draw_gantt
from openswarm.cli.load import LoadedRun, load_run
from openswarm.cli.result import output, print_grid, print_json, print_result, result_object
from openswarm.cli.tables import agents_grid, cost_grid, event_lines
from openswarm.cli.views import show_cell, show_coverage, show_diff, show_table
from openswarm.core.errors import UserError
from openswarm.journal.index import resolve_run
from openswarm.modes.settings import home_folder

View = Callable[[Console, LoadedRun], None]


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("show", rich_help_panel="Look")(show)


def _view(flag: str, text: str, **more: Any) -> Any:
    return typer.Option(flag, help=text, rich_help_panel="What to show", **more)


_CITE = _view(
    "--cite", 'A cell with its source and quote: a mark (c3) or "ROW: COLUMN".', metavar="CELL"
)
_GENERATION = _view(
    "--generation",
    "With --diff: which edit, counted from 1.",
    metavar="N",
    show_default="the last",
)


def show(
    run: options.Run,
    table: Annotated[bool, _view("--table", "The table alone.")] = False,
    cite: Annotated[str, _CITE] = "",
    coverage: Annotated[bool, _view("--coverage", "What of the table is there.")] = False,
    diff: Annotated[bool, _view("--diff", "What an edit changed.")] = False,
    generation: Annotated[int | None, _GENERATION] = None,
    artifacts: Annotated[bool, _view("--artifacts", "Files that tools made.")] = False,
    patch: Annotated[bool, _view("--patch", "What agents changed in files, as a diff.")] = False,
    agents: Annotated[bool, _view("--agents", "Every agent.")] = False,
    cost: Annotated[bool, _view("--cost", "Who used what.")] = False,
    events: Annotated[bool, _view("--events", "The journal, a line an event.")] = False,
    gantt: Annotated[
        Path | None,
        _view("--gantt", "Draw who worked when (needs the extra evals).", metavar="FILE.png"),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="The object of run --json; of other views their own."),
    ] = False,
) -> None:
    """Shows a run: its answer, table and figures, or one of the views below.

    \b
    Examples:
      openswarm show last
      openswarm show last --cite "Chile: capital"
      openswarm show 20261122-0731 --agents

    A run that works, was interrupted or lies elsewhere (a path) can be shown as well.
    """
    diff = diff or generation is not None
    chosen: list[tuple[object, View]] = [
        (diff, partial(show_diff, generation=generation, as_json=as_json)),
        (coverage, partial(show_coverage, as_json=as_json)),
        (cite, partial(show_cell, which=cite)),
        (as_json and not (diff or coverage or artifacts), _show_json),
        (gantt, lambda page, run: _draw(page, run, gantt)),
        (table, show_table),
        (artifacts, partial(_show_artifacts, as_json=as_json)),
        (patch, lambda page, run: show_patch(page, run.result)),
        (agents, lambda page, run: print_grid(page, agents_grid(run.followed, page))),
        (cost, lambda page, run: print_grid(page, cost_grid(run.events, page))),
        (events, _show_events),
    ]
    loaded = load_run(resolve_run(home_folder(), run))
    views = [view for wanted, view in chosen if wanted]
    if as_json and (cite or len(views) > 1):
        raise UserError("--json prints one object: of the run, or of one view that has one")
    for view in views or [_show_all]:
        view(output(), loaded)


def _show_all(page: Console, loaded: LoadedRun) -> None:
    print_result(loaded.result, loaded.followed, about=page)


def _show_json(_: Console, loaded: LoadedRun) -> None:
    print_json(result_object(loaded.result))


def _show_artifacts(page: Console, loaded: LoadedRun, *, as_json: bool) -> None:
    if as_json:
        print_json(made_object(loaded.result))
    else:
        print_grid(page, artifacts_grid(loaded.result))


def _show_events(page: Console, loaded: LoadedRun) -> None:
    for line in event_lines(loaded.events):
        page.print(Text(line), soft_wrap=True)


def _draw(_: Console, loaded: LoadedRun, path: Path | None) -> None:
    assert path is not None
    draw_gantt(loaded.followed, path)
    say(f"wrote {path}")

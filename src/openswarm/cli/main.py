"""The entry point: the commands are put together here, and every error ends here as one line."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from openswarm.cli import (
    approve,
    changes,
    control,
    doctor,
    eval,
    export,
    k25,
    models,
    route,
    run,
    runs,
    serve,
    show,
    telemetry,
    train,
)
from openswarm.cli.exits import Exit, report_error, say

_ABOUT = """The open Agent Swarm: one task, as many sub-agents as it deserves, one answer.

\b
Examples:
  openswarm run "What changed in these reports?" --over reports/
  openswarm run "Each country" --over data/ --columns "country; capital"
  openswarm show last
  openswarm edit last "add the currency of each country"
  openswarm serve
"""

app = typer.Typer(
    name="openswarm",
    help=_ABOUT,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for module in (
    run,
    route,
    serve,
    changes,
    show,
    export,
    telemetry,
    runs,
    control,
    approve,
    models,
    k25,
    eval,
    train,
    doctor,
):
    module.add_to(app)


@app.callback(invoke_without_command=True)
def openswarm(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    """What is done before every command, and where there is none."""
    if show_version:
        typer.echo(f"openswarm {version('openswarm')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """The console script `openswarm`."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Carries out one command line; returns the exit code. Every error becomes one line."""
    try:
        code = app(arguments, prog_name="openswarm", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f"; see: {context.command_path} --help" if context else ""
        if message := error.format_message().rstrip("."):  # without one, the help was shown
            say(f"error: {message}{hint}")
        return Exit.USAGE
    except typer.Abort:
        return Exit.INTERRUPTED
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:  # noqa: BLE001
        return report_error(error)
    return code if isinstance(code, int) else Exit.COMPLETED

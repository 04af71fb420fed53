"""The entry point: the commands are put together here, and every error ends here as one line."""

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from openswarm.cli import control, doctor, export, run, runs, show
from openswarm.cli.exits import Exit, report_error, say

app = typer.Typer(
    name="openswarm",
    help="The open Agent Swarm: one task, as many sub-agents as it deserves, one consistent answer."
    '\n\nExample: openswarm run "Capital and population of each country" --over countries/',
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for module in (run, show, export, runs, control, doctor):
    module.add_to(app)


@app.callback(invoke_without_command=True)
def openswarm(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    if show_version:
        typer.echo(f"openswarm {version('openswarm')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """The console script `openswarm`."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(_run_command())


def _run_command() -> int:
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        usage = getattr(error, "ctx", None)
        hint = f" (see: {usage.command_path} --help)" if usage else ""
        say(f"error: {error.format_message()}{hint}")
        return Exit.USAGE
    except typer.Abort:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # who read the output left; nothing more may be written to it, not even at shutdown
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.ERROR
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:  # noqa: BLE001
        return report_error(error)
    return code if isinstance(code, int) else Exit.COMPLETED

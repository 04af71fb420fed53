"""`openswarm doctor`: what is found on this computer, and why things are as they are."""

import os
from typing import Annotated

import typer
from rich.text import Text

from openswarm.cli.exits import Exit
from openswarm.cli.result import output, print_json
from openswarm.cli.text import one_line
from openswarm.modes.settings import home_folder

STYLE = {"ok": "green", "note": "yellow", "problem": "bold red"}


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("doctor", rich_help_panel="Set up")(doctor)


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="`{ok, checks: [{name, status, found, advice}]}`.")
    ] = False,
) -> int:
    """Says what is found on this computer and what to do about what is not.

    \b
    Example:
      openswarm doctor

    It looks at keys (their names only), the default model and why it is that one, local models,
    extras, certificates, proxies and limits. Exit code 1: something stops openswarm from working.
    """
    from openswarm.cli.checks import findings  # it loads the clients of models

    found = list(findings(home_folder(), os.environ))
    broken = any(finding.status == "problem" for finding in found)
    if as_json:
        print_json({"ok": not broken, "checks": [finding._asdict() for finding in found]})
        return Exit.ERROR if broken else Exit.COMPLETED
    page = output()
    width = max(len(finding.name) for finding in found)
    for finding in found:
        line = Text(f"{finding.status:<8}", STYLE[finding.status])
        line.append(f"{finding.name:<{width}}  ", "bold")
        line.append(one_line(finding.found, 400))
        if finding.advice:
            line.append(f"  → {finding.advice}", "dim")
        page.print(line, soft_wrap=True)
    return Exit.ERROR if broken else Exit.COMPLETED

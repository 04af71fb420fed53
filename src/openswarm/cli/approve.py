"""`approvals`, `approve` and `deny`: the questions of a run that is at work, answered by id."""

from pathlib import Path
from textwrap import indent
from typing import Annotated

import anyio
import typer

from openswarm.cli import options
from openswarm.cli.exits import Exit, say
from openswarm.cli.load import load_run
from openswarm.cli.result import output, print_json
from openswarm.cli.text import clean, one_line
from openswarm.core.errors import JournalError, UserError
from openswarm.core.events import ROOT, ApprovalAsked, ApprovalGiven
from openswarm.journal.folder import is_alive
from openswarm.journal.index import resolve_run
from openswarm.journal.requests import Verb, send_request
from openswarm.journal.tail import tail
from openswarm.modes.settings import home_folder

PATIENCE_S = 5.0
"""How long an acknowledgement is waited for."""

Ids = Annotated[
    list[str] | None,
    typer.Argument(help="Which questions; see openswarm approvals.", metavar="ID"),
]
All = Annotated[bool, typer.Option("--all", help="Every question that is open.")]
Always = Annotated[
    bool,
    typer.Option(
        "--always", help="And every further call of these tools, until the run is answered."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    for command in (approvals, approve, deny):
        app.command(rich_help_panel="A run of another terminal")(command)


def approvals(
    run: options.Run,
    as_json: Annotated[
        bool, typer.Option("--json", help="`[{id, agent, tool, command, directory}]`.")
    ] = False,
) -> int:
    """Lists what a run waits to be allowed, oldest first.

    \b
    Example:
      openswarm approvals last
    """
    asked = _open(run)
    if as_json:
        print_json([_object(question) for question in asked])
        return Exit.COMPLETED
    page = output()
    for question in asked:
        where = f" in {question.directory}" if question.directory else ""
        page.print(f"{question.id}  {question.agent}  {one_line(question.tool + where)}")
        page.print(indent(clean(question.command), "   "), soft_wrap=True)
    if not asked:
        say("nothing waits for an answer")
    return Exit.COMPLETED


def approve(run: options.Run, ids: Ids = None, every: All = False, always: Always = False) -> int:
    """Allows calls that wait for it; without an id the one that waits alone.

    \b
    Examples:
      openswarm approve last 3
      openswarm approve last --all
    """
    return _answer(run, ids, "always" if always else "allow", every=every)


def deny(run: options.Run, ids: Ids = None, every: All = False) -> int:
    """Denies calls that wait; their agents are told and go on without.

    \b
    Example:
      openswarm deny last 3
    """
    return _answer(run, ids, "deny", every=every)


def _open(run: str) -> list[ApprovalAsked]:
    view = load_run(resolve_run(home_folder(), run)).followed.view
    return list(view.approvals.values())


def _object(question: ApprovalAsked) -> dict[str, str]:
    fields = ("id", "agent", "tool", "command", "directory")
    return {name: getattr(question, name) for name in fields}


def _answer(run: str, ids: list[str] | None, verb: Verb, *, every: bool) -> int:
    folder = resolve_run(home_folder(), run)
    if not is_alive(folder):
        raise JournalError(
            f"run {folder.name} is not alive; what it waited for is asked anew with: openswarm"
            f" resume {folder.name} --attended",
            "not_alive",
        )
    asked = {question.id: question for question in _open(run)}
    chosen = list(asked) if every else (ids or list(asked))
    if not asked:
        raise UserError(f"nothing waits for an answer in run {folder.name}")
    if unknown := [id_ for id_ in chosen if id_ not in asked]:
        raise UserError(f"there is no open question {unknown[0]!r}; open: {', '.join(asked)}")
    if len(chosen) > 1 and not ids and not every:
        raise UserError(f"{len(asked)} questions are open: {', '.join(asked)}; name one, or --all")
    requests = {send_request(folder, verb, ROOT, id_): id_ for id_ in chosen}
    missing = anyio.run(_unanswered, folder, requests)
    for id_ in chosen:
        if id_ not in missing:
            say(f"{verb}: {id_}  {asked[id_].agent}  {one_line(asked[id_].command, 200)}")
    for id_ in missing:
        say(f"error: {id_} was not answered within {PATIENCE_S:g} s; its agent may have gone on")
    return Exit.ERROR if missing else Exit.COMPLETED


async def _unanswered(folder: Path, requests: dict[str, str]) -> list[str]:
    """The ids of the questions whose answers the run did not take."""
    left = dict(requests)
    with anyio.move_on_after(PATIENCE_S):
        async for event in tail(folder):
            if isinstance(event, ApprovalGiven):
                left.pop(event.request, None)
            if not left:
                break
    return list(left.values())

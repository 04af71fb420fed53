"""`watch`, `steer`, `cancel` and `kill`: a run of another terminal."""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import anyio
import typer

from openswarm.cli import options
from openswarm.cli.display import Display, choose_display
from openswarm.cli.exits import OF_OUTCOME, Exit, say
from openswarm.cli.followed import agent_label
from openswarm.cli.keys import answer_by_key, answers_by_key
from openswarm.cli.load import load_run, result_of
from openswarm.cli.result import print_result
from openswarm.cli.text import one_line
from openswarm.core.contract import fold_key
from openswarm.core.errors import JournalError, UserError
from openswarm.core.events import ROOT, Cancelled, Steered
from openswarm.journal.fold import AgentView, RunView
from openswarm.journal.folder import is_alive
from openswarm.journal.index import resolve_run
from openswarm.journal.requests import send_request
from openswarm.journal.tail import tail
from openswarm.modes.settings import home_folder

Verb = Literal["steer", "cancel", "kill"]
PATIENCE_S = 5.0
"""How long an acknowledgement is waited for."""


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    for command in (watch, steer, cancel, kill):
        app.command(rich_help_panel="A run of another terminal")(command)


def watch(run: options.Run, plain: options.Plain = False) -> int:
    """Follows a run: what happened, then what happens, until its end. Ctrl-C leaves it running.

    \b
    Example:
      openswarm watch last
    """
    folder = resolve_run(home_folder(), run)
    display = choose_display(plain=plain)
    anyio.run(_follow, folder, display)
    result = result_of(display.followed, folder)
    print_result(result, display.followed)
    return OF_OUTCOME[result.outcome]


async def _follow(folder: Path, display: Display) -> None:
    with display:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(display.keep_fresh)
            if answers_by_key(display):
                tasks.start_soon(answer_by_key, display, lambda: folder)
            async for event in tail(folder):
                display.take(event)
            tasks.cancel_scope.cancel()


def steer(
    run: options.Run,
    words: Annotated[
        list[str], typer.Argument(help="What to tell it, after the agent if not the orchestrator.",
                                  metavar="[AGENT] TEXT")
    ],
) -> int:  # fmt: skip
    """Tells a running agent something; it reads it at its next turn.

    \b
    Examples:
      openswarm steer last "Leave out the territories."
      openswarm steer last root/3 "Use the figure of 2024."
    """
    if len(words) > 2:
        raise UserError(f"{len(words)} words after the run; put the text into quotes")
    agent = words[0] if len(words) == 2 else ROOT
    if not words[-1].strip():
        raise UserError("the text is empty; say what the agent is to be told")
    return _ask(run, "steer", agent, words[-1])


def cancel(run: options.Run, agent: options.Agent = ROOT) -> int:
    """Asks an agent, or the whole run, to stop and hand back what there is.

    \b
    Examples:
      openswarm cancel last
      openswarm cancel last root/3
    """
    return _ask(run, "cancel", agent)


def kill(run: options.Run, agent: options.Agent = ROOT) -> int:
    """Ends an agent, or the whole run, at once; what is in the journal stays.

    \b
    Example:
      openswarm kill last
    """
    return _ask(run, "kill", agent)


def _ask(run: str, verb: Verb, agent: str, text: str = "") -> int:
    """Leaves the request and waits for the event that answers it."""
    folder = resolve_run(home_folder(), run)
    if not is_alive(folder):
        raise JournalError(
            f"run {folder.name} is not alive, so there is nobody to {verb}; go on with it with:"
            f" openswarm resume {folder.name}",
            "not_alive",
        )
    view = load_run(folder).followed.view
    target = find_agent(view, agent)
    if target.state == "done":
        raise UserError(f"{agent_label(target)} is done ({target.outcome}); it cannot be reached")
    request = send_request(folder, verb, target.path, text)
    if anyio.run(_answered, folder, view.seq, request):
        say(f"{verb}: {one_line(agent_label(target))} has it")
        return Exit.COMPLETED
    if verb == "steer":
        say(f"steer: left for {one_line(agent_label(target))}, which reads it at its next turn")
        return Exit.COMPLETED
    say(f"error: {one_line(agent_label(target))} did not answer within {PATIENCE_S:g} s; the"
        f" request stays; see: openswarm watch {folder.name}")  # fmt: skip
    return Exit.ERROR


async def _answered(folder: Path, seq: int, request: str) -> bool:
    with anyio.move_on_after(PATIENCE_S):
        async for event in tail(folder, from_seq=seq):
            if isinstance(event, Steered | Cancelled) and event.request == request:
                return True
    return False


def find_agent(view: RunView, text: str) -> AgentView:
    """The agent of a path, a number or an item. Raises `UserError` naming what comes near."""
    by_path = view.agents.get(text) or view.agents.get(f"{ROOT}/{text}")
    if by_path is not None:
        return by_path
    if text == ROOT:
        return AgentView(ROOT, state="running")
    wanted = fold_key(text)
    found = [agent for agent in view.sub_agents if fold_key(agent.label) == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        paths = ", ".join(agent.path for agent in found[:5])
        raise UserError(f"{text!r} is what {len(found)} agents work on: {paths}; give the path")
    names = [name for agent in view.agents.values() for name in (agent.path, agent.label) if name]
    near = get_close_matches(text, names, n=5, cutoff=0.3) or names[:5]
    raise UserError(f"there is no agent {text!r}; there are {', '.join(near)}")

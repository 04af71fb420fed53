"""`openswarm route`: which mode a task would take, how wide, and why. Nothing is run for it."""

from functools import partial
from typing import Any

import anyio
import typer

from openswarm.cli import options
from openswarm.cli.exits import say
from openswarm.cli.result import print_json
from openswarm.cli.run import read_task
from openswarm.cli.text import count, one_line
from openswarm.core.limits import Limits
from openswarm.core.task import Task
from openswarm.modes.routing import Route, is_unsure, route
from openswarm.modes.settings import home_folder, load_settings


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("route", rich_help_panel="Work")(show_route)


def show_route(
    context: typer.Context,
    task: options.Task,
    mode: options.Mode = "auto",
    over: options.Over = None,
    attach: options.Attach = None,
    tools: options.Tools = None,
    columns: options.Columns = "",
    key: options.Key = None,
    table: options.Table = None,
    max_subagents: options.MaxSubagents = None,
    usd: options.BudgetUsd = None,
    wall_s: options.Timeout = None,
    as_json: options.Json = False,
) -> None:
    """Says which mode a task would take, how many sub-agents are expected, and why.

    \b
    Examples:
      openswarm route "The minimum wage of all EU countries" --tools web
      openswarm route "What is a monad?" --json

    Nothing is run or fetched, and no model is asked. With --json: `{mode, width, reason}`; width is
    an estimate of the sub-agents, 0 where it is no swarm. Options are those of openswarm run.
    """
    limits = options.limits_given(context, load_settings(home_folder()).limits)
    given = _task(read_task(task), context.params, limits)
    chosen = route(given, len(given.tools))
    if as_json:
        print_json({"mode": chosen.mode, "width": chosen.width, "reason": chosen.why})
        return
    width = f" · {'about ' if chosen.by != 'rules' else ''}{count(chosen.width, 'sub-agent')}"
    typer.echo(f"{chosen.mode}{width if chosen.width else ''}: {one_line(chosen.why, 300)}")
    for line in _advice(chosen):
        say(line)


def _task(text: str, given: dict[str, Any], limits: Limits) -> Task:
    """The task of these options, as `openswarm run` makes it; the table is the only file read."""
    from openswarm.modes.parts import absolutes, given_table, make_task, names_of

    read = partial(given_table, given["columns"] or None, given["key"] or (), given["table"])
    contract, rows = anyio.run(read)
    return make_task(
        text=text,
        mode=given["mode"],
        over=absolutes(given["over"] or ()),
        attachments=absolutes(given["attach"] or ()),
        tools=names_of(given["tools"] or ()),
        contract=contract,
        rows=rows,
        limits=limits,
    )


def _advice(chosen: Route) -> list[str]:
    """How to have it otherwise, and how sure it is."""
    if chosen.by == "user":
        return []
    others = [mode for mode in ("instant", "thinking", "agent", "swarm") if mode != chosen.mode]
    lines = [f"another mode: openswarm run … --mode {'|'.join(others)}"]
    if chosen.mode == "swarm":
        lines.append("fewer sub-agents: --max-subagents N")
    if is_unsure(chosen):
        lines.append(f"not sure ({chosen.confidence:.0%}): a run asks its model once")
    return lines

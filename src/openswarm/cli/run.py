"""`openswarm run` and `openswarm resume`: from options to a run and its result."""

import sys
from functools import partial
from pathlib import Path
from typing import Any, Literal

import anyio
import typer

from openswarm.cli import options
from openswarm.cli.display import Display, choose_display
from openswarm.cli.exits import OF_OUTCOME, Exit, say
from openswarm.cli.keys import answers_by_key
from openswarm.cli.models import fetch_missing
from openswarm.cli.preview import chosen_mode
from openswarm.cli.result import export_result, print_json, print_result, result_object
from openswarm.cli.web import open_view
from openswarm.cli.work import Carried, Work, carry_out
from openswarm.core.errors import UserError
from openswarm.core.task import Mode
from openswarm.journal.index import resolve_run
from openswarm.journal.lines import EVENTS_FILE, read_events
from openswarm.modes.forecast import forecast
from openswarm.modes.settings import home_folder, load_settings, runs_folder
from openswarm.swarm.export import check_target

MAX_TASK_BYTES = 4 * 1024 * 1024
PASSED_ON = (
    "mode", "effort", "model", "subagent_model", "table", "on_conflict", "complete",
    "unsafe_no_sandbox",
)  # fmt: skip
"""Options that `openswarm.run` takes as they are."""
FORECAST = (
    "mode", "model", "subagent_model", "table", "over", "tools", "columns", "key", "limits", "home",
    "settings",
)  # fmt: skip
"""Options of the run that its forecast depends on."""


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("run", rich_help_panel="Work")(run)
    app.command("resume", rich_help_panel="Work")(resume)


def run(
    context: typer.Context,
    task: options.Task,
    mode: options.Mode = "auto",
    effort: options.Effort = "",
    model: options.Model = "",
    subagent_model: options.SubagentModel = "",
    over: options.Over = None,
    attach: options.Attach = None,
    tools: options.Tools = None,
    root: options.Root = None,
    allow: options.Allow = None,
    ask: options.Ask = None,
    deny: options.Deny = None,
    attended: options.Attended = None,
    unsafe_no_sandbox: options.Unsafe = False,
    columns: options.Columns = "",
    key: options.Key = None,
    table: options.Table = None,
    on_conflict: options.OnConflict = "majority",
    complete: options.Complete = False,
    out: options.Out = None,
    max_subagents: options.MaxSubagents = None,
    max_parallel: options.MaxParallel = None,
    usd: options.BudgetUsd = None,
    tokens: options.BudgetTokens = None,
    wall_s: options.Timeout = None,
    subagent_wall_s: options.SubagentTimeout = None,
    steps: options.Steps = None,
    critical_steps: options.CriticalSteps = None,
    orchestrator_steps: options.OrchestratorSteps = None,
    subagent_steps: options.SubagentSteps = None,
    web: options.Web = False,
    as_json: options.Json = False,
    plain: options.Plain = False,
    yes: options.Yes = False,
) -> int:
    """Does a task: alone, or with as many sub-agents as it deserves.

    \b
    Examples:
      openswarm run "Capital and population of each country" --over countries/ \\
        --columns "country; capital; population (number)" --out table.xlsx
      openswarm run "Who makes sodium-ion batteries?" --tools web,python

    Ctrl-C once hands back what there is, twice kills.

    Exit codes: 0 completed, 1 error, 2 usage, 3 partial, 130 interrupted.
    """
    return _run(context, context.params)


def _run(context: typer.Context, given: dict[str, Any]) -> int:
    from openswarm.modes.run import run as run_task

    home = home_folder()
    settings = load_settings(home)
    targets = check_targets(given["out"])
    if given["root"] and not given["tools"]:
        raise UserError("--root is for files and code; give these too: --tools files,python,shell")
    text = read_task(given["task"])
    fetch_missing((given["model"], given["subagent_model"]), settings, home, yes=given["yes"])
    options_given: dict[str, Any] = {
        **{name: given[name] for name in PASSED_ON},
        "over": given["over"] or (),
        "tools": given["tools"] or (),
        "columns": given["columns"] or None,
        "key": given["key"] or (),
        "limits": options.limits_given(context, settings.limits),
        "home": home,
        "settings": settings,
    }
    policy = options.policy_given(given["allow"], given["ask"], given["deny"])
    options_given["mode"] = _looked_at(text, options_given, yes=given["yes"])
    display = choose_display(plain=given["plain"])
    work: Work = partial(
        run_task,
        text,
        **options_given,
        roots=given["root"] or (),
        policy=policy,
        approver=attendance(given["attended"], display),
        attachments=given["attach"] or (),
    )
    view = open_view(given, home, settings) if given["web"] else None
    carried = carry_out(
        view.serving(work, display.say) if view else work, display, runs_folder(home)
    )
    code = finish(carried, display, targets, as_json=given["as_json"])
    if view is not None and not carried.interrupted:
        view.linger()
    return code


def _looked_at(text: str, given: dict[str, Any], *, yes: bool) -> Mode:
    """The mode to begin with, after whoever begins a dear run has seen what it may cost."""
    asked = {name: given[name] for name in FORECAST}
    return chosen_mode(anyio.run(partial(forecast, text, **asked)), yes=yes) or given["mode"]


def resume(
    context: typer.Context,
    run: options.Run,
    model: options.Model = "",
    subagent_model: options.SubagentModel = "",
    out: options.Out = None,
    max_subagents: options.MaxSubagents = None,
    usd: options.BudgetUsd = None,
    tokens: options.BudgetTokens = None,
    wall_s: options.Timeout = None,
    steps: options.Steps = None,
    critical_steps: options.CriticalSteps = None,
    attended: options.Attended = None,
    as_json: options.Json = False,
    plain: options.Plain = False,
) -> int:
    """Goes on with a run that was interrupted or ended early; what was paid for is not paid again.

    \b
    Example:
      openswarm resume last --budget-usd 10

    Limits that are not given stay those of the run.
    """
    from openswarm.modes.run import resume as resume_run

    home = home_folder()
    folder = resolve_run(home, run)
    targets = check_targets(out)
    display = choose_display(plain=plain)
    for event in read_events(folder / EVENTS_FILE):
        display.replay(event)
    work = partial(
        resume_run,
        folder.name,
        model=model,
        subagent_model=subagent_model,
        limits=options.limits_given(context, display.followed.limits),
        approver=attendance(attended, display),
        home=home,
    )
    carried = carry_out(work, display, runs_folder(home), folder)
    return finish(carried, display, targets, as_json=as_json)


def attendance(attended: bool | None, display: Display) -> Literal["wait"] | None:
    """Whether questions wait for an answer: by default where keys answer them."""
    return "wait" if attended or (attended is None and answers_by_key(display)) else None


def read_task(text: str) -> str:
    """The task, from standard input where it is `-`. Raises `UserError` for one that is no text."""
    if text != "-":
        return text
    data = sys.stdin.buffer.read(MAX_TASK_BYTES + 1)
    if len(data) > MAX_TASK_BYTES:
        raise UserError(
            f"the task is over {MAX_TASK_BYTES} bytes; put documents into a folder: --over"
        )
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UserError("the task on standard input is not UTF-8 text") from None


def check_targets(out: list[Path] | None) -> list[Path]:
    """Where results go; what cannot be written is found before anything is paid for."""
    for path in out or ():
        check_target(path)
    return out or []


def finish(carried: Carried, display: Display, out: list[Path], *, as_json: bool) -> int:
    """Prints and writes the result; returns the exit code."""
    result = carried.result
    if as_json:
        print_json(result_object(result))
    else:
        print_result(result, display.followed)
    for path in out:
        export_result(result, path)
        say(f"wrote {path}")
    if carried.interrupted and result.outcome != "completed":
        return Exit.INTERRUPTED
    return OF_OUTCOME[result.outcome]

"""`openswarm edit`, `retry`, `undo` and `ask`: work on a finished run."""

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import typer

from openswarm.cli import operations, options
from openswarm.cli.asking import print_answer
from openswarm.cli.differences import print_diff
from openswarm.cli.display import choose_display
from openswarm.cli.exits import OF_OUTCOME, Exit, say
from openswarm.cli.load import load_run
from openswarm.cli.result import (
    export_result,
    output,
    print_about,
    print_json,
    result_object,
)
from openswarm.cli.run import check_targets
from openswarm.cli.text import count, one_line
from openswarm.cli.work import carry_out
from openswarm.core.errors import UserError
from openswarm.core.operations import Operation, describe, make_operation
from openswarm.journal.index import resolve_run
from openswarm.modes.settings import home_folder, runs_folder
from openswarm.swarm.diff import diff_of
from openswarm.swarm.edits import EditPlan


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    for command in (edit, retry, undo, ask):
        app.command(rich_help_panel="A finished run")(command)


def edit(
    context: typer.Context,
    run: options.Run,
    wish: operations.Wish = "",
    add_column: operations.AddColumn = None,
    add_rows: operations.AddRow = None,
    split_row: operations.Split = None,
    complete: operations.Complete = False,
    reword: operations.Reword = "",
    set_cell: operations.SetCell = None,
    unlock: operations.Unlock = None,
    remove_rows: operations.RemoveRow = None,
    join_rows: operations.Join = None,
    drop_column: operations.DropColumn = None,
    rename_column: operations.RenameColumn = None,
    model: options.Model = "",
    subagent_model: options.SubagentModel = "",
    out: options.Out = None,
    max_subagents: options.MaxSubagents = None,
    usd: options.BudgetUsd = None,
    tokens: options.BudgetTokens = None,
    wall_s: options.Timeout = None,
    as_json: options.Json = False,
    plain: options.Plain = False,
    yes: operations.Yes = False,
) -> int:
    """Edits the table of a finished run: only the cells that the edit names are worked on.

    \b
    Examples:
      openswarm edit last "add the year in which each was founded"
      openswarm edit last --add-column "currency: ISO code" --budget-usd 1
      openswarm edit last --set "Chile: capital = Santiago" --drop-column area

    In words, a model turns the wish into operations, which are shown before they run. Each edit is
    a generation of the run: `show RUN --diff` shows it, `undo RUN` takes it back. A cell that was
    set by hand is locked. Where the key has two columns a row is named "Chile / 2024".
    """
    return _edit(context, run, operations.given(context.params), wish, yes=yes)


def retry(
    context: typer.Context,
    run: options.Run,
    row: Annotated[
        list[str] | None, typer.Option(help="A row to work on again.", metavar="ROW")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="Of these rows only this column.", metavar="COLUMN")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Every row whose sub-agent failed.")
    ] = False,
    model: options.Model = "",
    subagent_model: options.SubagentModel = "",
    out: options.Out = None,
    max_subagents: options.MaxSubagents = None,
    usd: options.BudgetUsd = None,
    tokens: options.BudgetTokens = None,
    wall_s: options.Timeout = None,
    as_json: options.Json = False,
    plain: options.Plain = False,
) -> int:
    """Works again on rows or cells of a finished run. Locked cells stay; what a second try does
    not find is not taken away.

    \b
    Examples:
      openswarm retry last --row Chile --column population
      openswarm retry last --failed
    """
    made: list[Operation] = []
    for name in row or ():
        if not name.strip():
            raise UserError("an empty name; write --row ROW [--column COLUMN]")
        made += (
            [make_operation(op="retry_cell", row=name, column=wanted) for wanted in column]
            if column
            else [make_operation(op="retry_row", row=name)]
        )
    if failed:
        made.append(make_operation(op="retry_failed"))
    if not made:
        raise UserError("say what is to be worked on again: --row ROW [--column COLUMN], --failed")
    return _edit(context, run, made)


def undo(run: options.Run, as_json: options.Json = False) -> int:
    """Takes the last edit of a run back: table and answer are exactly what they were before it.

    \b
    Example:
      openswarm undo last
    """
    from openswarm.modes.edits import undo as undo_edit

    home = home_folder()
    folder = resolve_run(home, run)
    result = anyio.run(partial(undo_edit, folder.name, home=home))
    if as_json:
        print_json(result_object(result))
    else:
        now = f"edit {result.generation}" if result.generation else "the run itself"
        say(f"undone; the table is that of {now}: openswarm show {folder.name}")
    return Exit.COMPLETED


def ask(
    run: options.Run,
    question: Annotated[str, typer.Argument(help="What you want to know of the run.")],
    model: options.Model = "",
    as_json: options.Json = False,
) -> int:
    """Answers a question from what a finished run has found and read; no sub-agent works.

    \b
    Example:
      openswarm ask last "Which capital lies highest, and where does it say so?"

    What the run does not have is said plainly; `openswarm edit` can find it.
    """
    from openswarm.modes.questions import ask as ask_run

    home = home_folder()
    folder = resolve_run(home, run)
    answer = anyio.run(partial(ask_run, folder.name, question, model=model, home=home))
    if as_json:
        print_json(answer.model_dump())
    else:
        print_answer(answer, load_run(folder).followed.view.contract)
    return OF_OUTCOME[answer.outcome]


def _edit(
    context: typer.Context,
    run: str,
    made: Sequence[Operation],
    wish: str = "",
    *,
    yes: bool = False,
) -> int:
    """Carries an edit out and shows what it changed."""
    from openswarm.modes.edits import edit as edit_run

    given = context.params
    home = home_folder()
    folder = resolve_run(home, run)
    targets = check_targets(given["out"])
    if wish and made:
        raise UserError("give the wish in words or the operations, not both")
    if wish:
        made = _proposed(folder.name, wish, given["model"], home)
    if not made:
        raise UserError('say what is to be changed: "…" in words, or an option; see edit --help')
    if wish and not yes:
        _confirm(folder.name, made, home)
    before = load_run(folder)
    display = choose_display(plain=given["plain"])
    for event in before.events:
        display.replay(event)
    work = partial(
        edit_run,
        folder.name,
        made,
        words=wish,
        model=given["model"],
        subagent_model=given["subagent_model"],
        limits=options.limits_given(context, before.followed.limits),
        home=home,
    )
    carried = carry_out(work, display, runs_folder(home), folder)
    loaded = load_run(folder)
    if given["as_json"]:
        print_json(result_object(carried.result))
    else:
        difference = diff_of(loaded.events)
        if difference is not None:
            print_diff(output(), difference, carried.result.answer)
        print_about(carried.result, loaded.followed)
    for path in targets:
        export_result(carried.result, path)
        say(f"wrote {path}")
    if carried.interrupted and carried.result.outcome != "completed":
        return Exit.INTERRUPTED
    return OF_OUTCOME[carried.result.outcome]


def _proposed(run_id: str, wish: str, model: str, home: Path) -> tuple[Operation, ...]:
    from openswarm.modes.edits import propose

    return anyio.run(partial(propose, run_id, wish, model=model, home=home))


def _confirm(run_id: str, made: Sequence[Operation], home: Path) -> None:
    """Shows what was made of a wish, and asks. Raises `typer.Abort`."""
    from openswarm.modes.edits import preview

    plan = anyio.run(partial(preview, run_id, made, home=home))
    for line in plan_lines(plan):
        say(line)
    if not sys.stdin.isatty():
        raise UserError("nothing was done, as nobody can be asked; add --yes to do it unasked")
    typer.confirm("Do it?", abort=True, err=True)


def plan_lines(plan: EditPlan) -> Iterator[str]:
    """What an edit would do, for people."""
    for number, operation in enumerate(plan.operations, 1):
        yield f"{number}. {one_line(describe(operation), 300)}"
    if plan.fills:
        cells = f"{count(plan.num_cells, 'cell')} of {count(len(plan.fills), 'row')}"
        yield f"Sub-agents work on {cells}: {count(len(plan.fills), 'sub-agent')}."
    else:
        yield "No sub-agent is needed."

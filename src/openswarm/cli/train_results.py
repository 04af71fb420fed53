"""`openswarm train evaluate`, `curves`, `tables` and `figures`: what trainings came to."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from openswarm.cli import train_options as options
from openswarm.cli.eval import command_line
from openswarm.cli.exits import Interrupted, say
from openswarm.cli.result import print_json
from openswarm.cli.train_view import (
    habits_table,
    lines_table,
    matched_table,
    progress_of,
    targets_table,
)
from openswarm.core.errors import SettingsError, UserError
from openswarm.modes.settings import home_folder

if TYPE_CHECKING:
    from openswarm.parl.curriculum import Curriculum
    from openswarm.parl.results import Result


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module to `openswarm train`."""
    for command in (evaluate, curves, tables, figures):
        app.command(command.__name__)(command)


def need_extra() -> None:
    """Raises `SettingsError` that names the extra where PyTorch is missing."""
    from importlib.util import find_spec

    if find_spec("torch") is None or find_spec("safetensors") is None:
        raise SettingsError("this needs PyTorch; install it with: pip install 'openswarm[model]'")


def evaluate(
    context: typer.Context,
    folders: options.Folders,
    out: options.ResultsOut,
    tests: options.Tests = "wide,wider,other,controls",
    budgets: options.Budgets = "",
    per_test: options.PerTest = 0,
    temperature: options.Temperature = 0.0,
    profile: options.Profile = "qwen2.5-coder-1.5b",
    sample: options.Sample = False,
    home: options.Home = None,
    threads: options.Threads = 1,
    as_json: options.Json = False,
) -> None:
    """Has trained policies do tasks that they have not seen, at one budget after the other.

    \b
    Examples:
      openswarm train evaluate runs/parl-0 runs/single-0 --out results.csv
      openswarm train evaluate runs/*-0 --tests wide,controls --budgets 8,16,32 --sample \\
        --out quick.csv

    All do the same tasks with the same draws. Results are written down after each test of each
    policy; the same command goes on where it was stopped.
    """
    need_extra()
    from openswarm.parl.course import Surroundings
    from openswarm.parl.evaluate import BUDGETS
    from openswarm.parl.study import carry_out, subjects_of

    subjects = subjects_of(folders)
    place = None if sample else home or home_folder()
    around = Surroundings(place, profile, threads, command=command_line(context))
    chosen = _budgets(budgets) or list(BUDGETS)
    wanted = _tests(tests, place, per_test)
    try:
        with progress_of("rollouts") as told:
            results = carry_out(
                subjects, wanted, out, around, budgets=chosen, temperature=temperature,
                tell=lambda who, test, done, total: told(done, total, f"{who} on {test}"),
            )  # fmt: skip
    except KeyboardInterrupt:
        raise Interrupted("what is written down is kept; the same command goes on") from None
    if as_json:
        print_json({"out": str(out), "rollouts": len(results)})
    say(f"{len(results)} rollouts in {out}; look at them: openswarm train tables {out}")


def _tests(text: str, home: Path | None, per_test: int) -> "dict[str, Curriculum]":
    from dataclasses import replace

    from openswarm.parl.evaluate import TESTS, tests_of

    known = {test.name: test for test in TESTS}
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise UserError(f"--tests takes {', '.join(known)}, not {name[:60]!r}")
    chosen = [known[name] for name in dict.fromkeys(names)]
    if not chosen:
        raise UserError(f"--tests takes {', '.join(known)}")
    return tests_of(home, [replace(test, tasks=per_test or test.tasks) for test in chosen])


def _budgets(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdecimal() and len(part) <= 6 for part in parts):
        raise UserError(f"--budgets takes whole numbers such as 8,16,32, not {text[:60]!r}")
    return list(dict.fromkeys(map(int, parts)))


def curves(
    context: typer.Context,
    folders: options.Folders,
    out: options.Drawings,
) -> None:
    """Draws what arms turned to in training: a page an arm, and one with all arms.

    \b
    Example:
      openswarm train curves runs/parl-* runs/no-parallel-* --out curves

    Seeds of an arm are one line with a band from the least to the greatest. Beside each picture is
    a CSV file that begins with this command.
    """
    from openswarm.parl.curves import read_log, write_curves

    logs = [read_log(folder) for folder in folders]
    for path in write_curves(logs, out, command_line(context)):
        say(str(path))


def tables(
    results: options.Results,
    arm: options.OnlyArms = None,
    as_json: options.Json = False,
) -> None:
    """Prints the results of the tests as tables in Markdown.

    \b
    Examples:
      openswarm train tables results.csv > results.md
      openswarm train tables runs/*.csv --arm single --arm parl

    Item-F1 and success of each test and arm with 95 % intervals, at the most generous budget; how
    many times fewer critical steps than the single agent an arm needs to be as good (mean item-F1
    within 0.01 of the single agent's), with the interval over tasks, seconds and tokens there; the
    same by width; when arms spawn; and critical steps to each item-F1.
    """
    from openswarm.parl.tables import by_width, habits_of, lines_of, targets_of

    found = _results(results, arm)
    lines, widths = lines_of(found), by_width(found)
    habits, targets = habits_of(found), targets_of(found)
    if as_json:
        print_json(_object(lines=lines, widths=widths, habits=habits, targets=targets))
        return
    parts = [
        ("Arms on the tests, at the most generous budget", lines_table(lines)),
        ("At equal item-F1", matched_table(lines)),
        ("At equal item-F1 by true width, all tests together", matched_table(widths, "width")),
        ("When arms spawn", habits_table(habits)),
        *(
            (f"Critical steps to an item-F1, {test}", targets_table(rows))
            for test, rows in targets.items()
        ),
    ]
    typer.echo("\n".join(f"### {title}\n\n{table}" for title, table in parts), nl=False)


def figures(
    context: typer.Context,
    results: options.Results,
    out: options.Drawings,
    arm: options.OnlyArms = None,
) -> None:
    """Draws the results of the tests, each figure as PNG and as CSV with the command that made it.

    \b
    Example:
      openswarm train figures results.csv --out figures --arm single --arm parl
    """
    from openswarm.parl.result_figures import write_result_figures

    for path in write_result_figures(_results(results, arm), out, command_line(context)):
        say(str(path))


def _results(paths: list[Path], arms: list[str] | None) -> "list[Result]":
    """The results of some files, of these arms alone."""
    from openswarm.parl.results import read_results

    found = [result for path in paths for result in read_results(path)]
    there = list(dict.fromkeys(result.arm for result in found))
    files = ", ".join(map(str, paths))
    if not there:
        raise UserError(f"{files}: no result")
    for name in arms or ():
        if name not in there:
            raise UserError(f"{files}: no result of {name[:60]!r}; there are {', '.join(there)}")
    return [result for result in found if not arms or result.arm in arms]


def _object(**parts: Any) -> dict[str, Any]:
    """Lines as objects; what there is no number for is null."""
    import math
    from dataclasses import asdict

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner) for inner in value]
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value if isinstance(value, str | int | float | None) else plain(asdict(value))

    return plain(parts)
